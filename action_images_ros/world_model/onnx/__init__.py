"""The nano backend on onnxruntime: export, quantisation and inference."""
