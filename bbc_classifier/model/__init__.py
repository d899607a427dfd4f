"""The classifier as it ships to the Hub: this folder, file by file, needs only torch and transformers."""

from transformers import AutoConfig, AutoModelForSequenceClassification

from .configuration_pooled_encoder import PooledEncoderConfig, PooledEncoderError
from .modeling_pooled_encoder import PooledEncoderForSequenceClassification

__all__ = ["PooledEncoderConfig", "PooledEncoderError", "PooledEncoderForSequenceClassification"]

AutoConfig.register(PooledEncoderConfig.model_type, PooledEncoderConfig, exist_ok=True)
AutoModelForSequenceClassification.register(PooledEncoderConfig, PooledEncoderForSequenceClassification, exist_ok=True)
