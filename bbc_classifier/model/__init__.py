"""The classifier. The two files beside this one ship with every checkpoint and need only torch and transformers."""

from transformers import AutoConfig, AutoModelForSequenceClassification

from .configuration_pooled_encoder import NAMED_ENCODERS, EncoderLocation, PooledEncoderConfig, locate_encoder
from .modeling_pooled_encoder import (
    POOLINGS,
    PooledEncoderForSequenceClassification,
    Pooling,
    legal_poolings,
    register_pooling,
    truncate,
)

AutoConfig.register(PooledEncoderConfig.model_type, PooledEncoderConfig, exist_ok=True)
AutoModelForSequenceClassification.register(PooledEncoderConfig, PooledEncoderForSequenceClassification, exist_ok=True)
