"""What a person sees while training runs: one bar, and one line per validation."""

import sys
from typing import Any

from tqdm.auto import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

# Of the validation figures, whichever the kind of classification has.
SHOWN = {
    "eval_log_loss": "log loss",
    "eval_accuracy": "accuracy",
    "eval_subset_accuracy": "subset accuracy",
    "eval_macro_f1": "macro F1",
}


class Progress(TrainerCallback):
    """A progress bar with the current loss on standard error, and a line for each validation."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the bar, at the step a resumed run starts from."""
        if state.is_world_process_zero:
            self.bar = tqdm(
                total=state.max_steps,
                initial=state.global_step,
                desc="training",
                unit="step",
                # A probe alone takes no step.
                disable=args.disable_tqdm or state.max_steps == 0,
                dynamic_ncols=True,
            )

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Move the bar."""
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **kwargs: Any
    ) -> None:
        """Show the training loss beside the bar."""
        if self.bar is not None and logs and "loss" in logs:
            self.bar.set_postfix(loss=f"{float(logs['loss']):.4f}", refresh=False)

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: Any = None, **kwargs: Any
    ) -> None:
        """Write one line of validation figures."""
        if self.bar is not None and metrics:
            figures = [f"{said} {metrics[name]:.4f}" for name, said in SHOWN.items() if name in metrics]
            # Steps that were asked for leave the number of epochs as it was.
            epochs = state.num_train_epochs if args.max_steps > 0 else args.num_train_epochs
            self.bar.write(
                f"epoch {state.epoch:.2f} of {epochs:g}: validation {', '.join(figures)}",
                file=sys.stderr,
            )

    def close(self) -> None:
        """End the line of the bar, so that what is said next begins a new one."""
        if self.bar is not None:
            self.bar.close()
