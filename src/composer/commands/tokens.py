"""composer tokenize and detokenize: MIDI files as token ids and back."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from composer import __version__
from composer.commands import options
from composer.errors import FileError
from composer.tokenizers import TOKENIZERS, load


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Declare the flags of both verbs."""
    if verb == "tokenize":
        parser.add_argument("input", type=Path, metavar="FILE.mid")
    else:
        parser.add_argument("input", type=Path, metavar="FILE.txt", help="ids separated by white space; - reads stdin")
    parser.add_argument("--tokenizer", required=True, metavar="NAME", help=f"one of {', '.join(TOKENIZERS)}")
    if verb == "detokenize":
        options.add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Print ids, or write the file that ids stand for."""
    from composer.midi import amt_files, files
    from composer.tokenizers.amt_score import AmtTokenizer, ReferenceTokenizer

    tokenizer = load(args.tokenizer)
    if args.verb == "tokenize":
        if isinstance(tokenizer, AmtTokenizer):
            encoded = tokenizer.encode_messages(amt_files.messages(args.input))
        else:
            encoded = tokenizer.encode(files.read(args.input))
        print(" ".join(map(str, encoded)))
        return 0
    options.writable(args.output, args.force)
    if isinstance(tokenizer, ReferenceTokenizer):
        amt_files.write(tokenizer.decode_tracks(ids(args.input)), args.output, force=args.force)
        return 0
    score = tokenizer.decode(ids(args.input))
    comment = json.dumps({"composer": __version__, "verb": args.verb, "tokenizer": args.tokenizer})
    files.write(score, args.output, comment=comment, force=args.force)
    return 0


def ids(path: Path) -> list[int]:
    """Return the ids in a text file; FileError names the first word that is none."""
    try:
        words = (sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")).split()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise FileError(f"{path} is not text; it holds token ids separated by white space") from None
    wrong = next((word for word in words if not (word.isascii() and word.isdigit())), None)
    if wrong is not None:
        raise FileError(f"{path} holds {wrong[:40]!r}, which is no token id; ids are whole numbers from 0")
    if not words:
        raise FileError(f"{path} holds no token ids; `composer tokenize` prints them")
    return [int(word) for word in words]
