"""Classifiers in forms that others load without this package: stock Transformers classes and ONNX."""
