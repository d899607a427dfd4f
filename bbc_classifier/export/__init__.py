"""Classifiers in formats that other programs load without this package: stock transformers classes and ONNX."""
