"""composer models download: whole or not at all, from where it stopped, or one sentence."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from composer.cli import main
from composer.commands import download

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

COMMIT = "0123456789abcdef" * 2 + "01234567"
REPOSITORY = "stanford-crfm/music-small-800k"


def git_name(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """Serve a repository as the hub does; break and cheat as it is told."""

    def __init__(self, files):
        self.files = files
        self.asked = []
        self.breaks = []
        """Bytes after which the next answers with weights end."""
        self.lies = {}
        """What is sent instead of a file."""
        self.ranges = True
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                hub.asked.append((self.path, self.headers.get("Range")))
                hub.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, request):
        path = request.path
        if path == f"/api/models/{REPOSITORY}/revision/main":
            self.send(request, json.dumps({"sha": COMMIT}).encode())
        elif re.fullmatch(rf"/api/models/{REPOSITORY}/tree/[0-9a-f]{{40}}", path):
            self.send(request, json.dumps([self.entry(*item) for item in self.files.items()]).encode())
        elif path.startswith(f"/{REPOSITORY}/resolve/{COMMIT}/"):
            name = path.rpartition("/")[2]
            data = self.lies.get(name, self.files[name])
            self.send(request, data, request.headers.get("Range"), is_weights=name != "config.json")
        else:
            request.send_error(404)

    def entry(self, name, data):
        entry = {"type": "file", "path": name, "size": len(data), "oid": git_name(data)}
        return entry | ({} if name == "config.json" else {"lfs": {"oid": hashlib.sha256(data).hexdigest()}})

    def send(self, request, data, asked=None, *, is_weights=False):
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        request.send_response(206 if start else 200)
        rest = data[start:]
        request.send_header("Content-Length", str(len(rest)))
        request.end_headers()
        if is_weights and self.breaks:
            rest = rest[: self.breaks.pop(0)]
            request.close_connection = True
        request.wfile.write(rest)

    def ranges_asked(self):
        return [asked for path, asked in self.asked if path.endswith((".bin", ".safetensors"))]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Keep a tiny checkpoint as the hub has it: a pickle without prefix."""
    folder = tmp_path_factory.mktemp("hub")
    shape = {"n_layer": 1, "n_head": 1, "n_embd": 8, "vocab_size": 55028, "n_positions": 32}
    config = transformers.GPT2Config(**shape, bos_token_id=None, eos_token_id=None)
    model = transformers.GPT2LMHeadModel(config)
    names = {n.removeprefix("transformer."): t for n, t in model.state_dict().items() if n != "lm_head.weight"}
    torch.save(names, folder / "pytorch_model.bin")
    config.save_pretrained(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(files, monkeypatch, tmp_path):
    served = Hub(dict(files))
    monkeypatch.setenv("HF_ENDPOINT", served.url + "/")
    monkeypatch.setenv("COMPOSER_MODELS", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "PAUSE_SECONDS", 0.0)
    monkeypatch.setitem(download.CHECKPOINTS, "amt-small", download.Checkpoint(REPOSITORY))
    yield served
    served.close()


def fetch(capsys, *words):
    status = main(["models", "download", *words])
    err = capsys.readouterr().err
    return status, next((line for line in err.splitlines()[::-1] if line.startswith("composer models: ")), "")


class TestWhole:
    def test_it_plays_and_says_where_it_is_from(self, hub, tmp_path, capsys):
        assert main(["models", "download", "amt-small"]) == 0
        assert f"{REPOSITORY} at {COMMIT}" in capsys.readouterr().err
        assert ["amt-small"] == [path.name for path in tmp_path.iterdir()]
        assert main(["models", "verify", "amt-small"]) == 0
        card = (tmp_path / "amt-small" / "card.md").read_text()
        assert hashlib.sha256(hub.files["pytorch_model.bin"]).hexdigest() in card
        assert COMMIT in card
        assert "Apache-2.0" in card

    def test_another_checkpoint_by_its_name_on_the_hub_at_a_commit(self, hub, tmp_path, capsys):
        assert (0, "") == fetch(capsys, f"{REPOSITORY}@{COMMIT}")
        assert (tmp_path / "music-small-800k" / "config.json").is_file()
        assert not any("revision" in path for path, _ in hub.asked)

    def test_into_a_folder_of_ones_own(self, hub, tmp_path, capsys):
        assert (0, "") == fetch(capsys, "amt-small", str(tmp_path / "deep" / "mine"))
        assert (tmp_path / "deep" / "mine" / "config.json").is_file()

    def test_safetensors_are_preferred(self, hub, capsys, tmp_path, files):
        (tmp_path / "pytorch_model.bin").write_bytes(files["pytorch_model.bin"])
        safe = tmp_path / "deep" / "one.safetensors"
        main(["models", "convert", str(tmp_path / "pytorch_model.bin"), str(safe)])
        hub.files["model.safetensors"] = safe.read_bytes()

        assert (0, "") == fetch(capsys, "amt-small")
        assert {"config.json", "model.safetensors"} == {p.rpartition("/")[2] for p, _ in hub.asked if "resolve" in p}


class TestPinned:
    """What is fetched by a short name is the same bytes whoever answers."""

    @pytest.mark.parametrize("name", [*download.CHECKPOINTS])
    def test_to_a_commit(self, name):
        assert re.fullmatch(r"[0-9a-f]{40}", download.CHECKPOINTS[name].revision)
        assert re.fullmatch(r"([0-9a-f]{64})?", download.CHECKPOINTS[name].digest)

    @pytest.mark.parametrize("lie", [False, True])
    def test_to_a_checksum(self, hub, capsys, monkeypatch, lie):
        digest = hashlib.sha256(hub.files["pytorch_model.bin"] + b"other" * lie).hexdigest()
        monkeypatch.setitem(download.CHECKPOINTS, "amt-small", download.Checkpoint(REPOSITORY, COMMIT, digest))
        status, said = fetch(capsys, "amt-small")

        assert (int(lie), lie) == (status, "tells another checksum" in said)
        assert lie == ([] == hub.ranges_asked())


class TestBroken:
    def test_a_connection_that_breaks_is_gone_on_with(self, hub, capsys):
        hub.breaks = [1000, 500]

        assert (0, "") == fetch(capsys, "amt-small")
        assert [None, "bytes=1000-", "bytes=1500-"] == hub.ranges_asked()

    def test_a_host_without_ranges_sends_all_again(self, hub, capsys):
        hub.breaks, hub.ranges = [1000], False

        assert (0, "") == fetch(capsys, "amt-small")

    def test_one_that_breaks_again_and_again_keeps_what_has_come_for_the_next_time(self, hub, capsys, tmp_path):
        hub.breaks = [1000] + [0] * download.TRIES
        status, said = fetch(capsys, "amt-small")

        assert 1 == status
        assert "run this again later: it goes on where it stopped" in said
        part = next((tmp_path / "amt-small.download").glob("*.part"))
        assert hub.files["pytorch_model.bin"][:1000] == part.read_bytes()
        hub.asked.clear()
        assert (0, "") == fetch(capsys, "amt-small")
        assert ["bytes=1000-"] == hub.ranges_asked()

    def test_a_wrong_checksum_is_said_and_nothing_of_it_stays(self, hub, capsys, tmp_path):
        right = hub.files["pytorch_model.bin"]
        hub.lies["pytorch_model.bin"] = right[:-1] + bytes([right[-1] ^ 1])
        status, said = fetch(capsys, "amt-small")

        assert 1 == status
        assert "has not the checksum that the hub tells and was removed" in said
        assert ["config.json"] == [path.name for path in (tmp_path / "amt-small.download").iterdir()]
        assert not (tmp_path / "amt-small").exists()

    def test_a_file_longer_than_told(self, hub, capsys):
        hub.lies["pytorch_model.bin"] = hub.files["pytorch_model.bin"] + b"more"

        assert "was removed" in fetch(capsys, "amt-small")[1]

    def test_a_wrong_configuration_is_found_by_gits_name_of_it(self, hub, capsys):
        hub.lies["config.json"] = hub.files["config.json"].replace(b"gpt2", b"gpt3")

        assert "config.json" in fetch(capsys, "amt-small")[1]


class TestRefused:
    def test_no_network(self, hub, capsys, monkeypatch):
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
        status, said = fetch(capsys, "amt-small")

        assert 1 == status
        assert "127.0.0.1:1 cannot be reached" in said
        assert "composer models convert" in said

    @pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"sha": 5}', b"{}"])
    def test_a_host_that_is_no_hub(self, hub, capsys, monkeypatch, answer):
        monkeypatch.setattr(hub, "answer", lambda request: hub.send(request, answer))
        status, said = fetch(capsys, "amt-small")

        assert (1, 1) == (status, said.count(";"))
        assert "not understood" in said

    def test_a_checkpoint_that_is_not_there(self, hub, capsys):
        status, said = fetch(capsys, "nobody/nothing")

        assert 1 == status
        assert "(404)" in said

    def test_a_repository_without_weights(self, hub, capsys):
        del hub.files["pytorch_model.bin"]

        assert "holds no checkpoint" in fetch(capsys, "amt-small")[1]

    def test_another_architecture_before_its_weights_are_fetched(self, hub, capsys):
        hub.files["config.json"] = hub.files["config.json"].replace(b'"gpt2"', b'"llama"')
        status, said = fetch(capsys, "amt-small")

        assert 1 == status
        assert "'llama'" in said
        assert [] == hub.ranges_asked()

    def test_no_room(self, hub, capsys, monkeypatch):
        monkeypatch.setattr(download.shutil, "disk_usage", lambda path: type("", (), {"free": 10**5}))

        assert "room for 0.0 GB where 0.0 GB are needed" in fetch(capsys, "amt-small")[1]
        assert [] == hub.ranges_asked()

    def test_a_disk_that_fills_up_keeps_what_has_come(self, hub, capsys, monkeypatch, tmp_path):
        receive = download._receive

        def full(url, part, have, show):
            if not part.name.startswith("config"):
                part.write_bytes(b"begun")
                raise OSError(errno.ENOSPC, "No space left on device")
            receive(url, part, have, show)

        monkeypatch.setattr(download, "_receive", full)
        status, said = fetch(capsys, "amt-small")

        assert 1 == status
        assert "(the disk is full); make room and run this again: what has come is kept" in said
        assert [b"begun"] == [path.read_bytes() for path in (tmp_path / "amt-small.download").glob("*.part")]

    def test_a_model_that_is_here(self, hub, capsys, tmp_path):
        (tmp_path / "amt-small").mkdir()

        assert (2, []) == (fetch(capsys, "amt-small")[0], hub.asked)

    @pytest.mark.parametrize("name", ["anticipation", "../../etc/passwd", "a/b/c", "a/b@"])
    def test_what_is_no_name_of_a_checkpoint(self, hub, capsys, name):
        status, said = fetch(capsys, name)

        assert (2, []) == (status, hub.asked)
        assert "there is no checkpoint" in said
