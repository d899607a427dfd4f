"""What the Trainer's own state must hold for a run to go on from it; a seal can be as wrong as what it seals."""

import json
from pathlib import Path
from typing import Any

from bbc_classifier.errors import InputError
from bbc_classifier.shapes import COUNT, FLAG, NOTHING, NUMBER, OPTION, POSITIVE, TEXT, Shape, refuse_other_shape

STATE = "trainer_state.json"
SHAPE: dict[Any, Shape] = {
    **dict.fromkeys(("global_step", "max_steps", "num_train_epochs"), COUNT),
    **dict.fromkeys(("best_global_step?", "num_input_tokens_seen?"), (None, COUNT)),
    # Whole or not, as the options were given; a run that goes on takes its own.
    **dict.fromkeys(("logging_steps?", "eval_steps?", "save_steps?"), (None, NUMBER)),
    **dict.fromkeys(("is_hyper_param_search?", "is_local_process_zero?", "is_world_process_zero?"), FLAG),
    **dict.fromkeys(("trial_name?", "trial_params?"), None),
    "best_metric?": (None, NUMBER),
    "best_model_checkpoint": (None, TEXT),
    "epoch": NUMBER,
    # Of what was logged, a norm may be no number where a step was left out.
    "log_history": [{str: OPTION, "epoch": NUMBER, "step": COUNT}],
    "total_flos?": NUMBER,
    "train_batch_size": POSITIVE,
    "stateful_callbacks": {
        "TrainerControl": {"args": {"should_training_stop": FLAG, str: FLAG}, "attributes": {}},
        "EarlyStoppingCallback?": {
            "args": {"early_stopping_patience": COUNT, "early_stopping_threshold": NUMBER, str: NOTHING},
            "attributes": {"early_stopping_patience_counter": COUNT, str: NOTHING},
        },
        str: NOTHING,
    },
    str: NOTHING,
}


def fault_of_state(checkpoint: Path, step: int) -> str | None:
    """Return what is wrong with the Trainer's state in a checkpoint, or None.

    Args:
        checkpoint: The folder.
        step: The step that its name says.
    """
    try:
        state = json.loads((checkpoint / STATE).read_bytes())
        refuse_other_shape(STATE, state, SHAPE)
    except InputError as error:
        return str(error)
    except (OSError, ValueError, RecursionError):
        return f"{STATE} is damaged"
    if state["global_step"] != step:
        return f"{STATE} is of step {state['global_step']}"
    return None
