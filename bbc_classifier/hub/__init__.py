"""Publish finished runs on the Hugging Face Hub: the model card and the push."""
