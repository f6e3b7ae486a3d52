"""The model (torch), what plays it (ONNX Runtime), and drawing from it: integers and arrays only."""
