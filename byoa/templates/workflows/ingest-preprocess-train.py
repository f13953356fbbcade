"""__NAME__: fetches data, prepares it in a Processing job, and trains a model on it.

    byoa setup                                    once: the functions, roles and bucket used here
    byoa workflow create __FILE__
    byoa workflow run __NAME__ -i Source=https://example.com/data.csv -i Image=… --wait

This file is yours: `byoa workflow update __FILE__` sends what you have changed.
"""

from byoa.workflow import (
    Chain,
    Estimator,
    ExecutionInput,
    FunctionStep,
    ProcessingInput,
    ProcessingOutput,
    ProcessingStep,
    Processor,
    TrainingStep,
    Workflow,
    execution_mark,
    infrastructure,
)

#: What `byoa setup` has made, by name.
stack = infrastructure()

#: In the image.
PREPROCESS = ["python3", "/opt/byoa/__NAME__/preprocess.py"]
#: The prepared data of one execution; no other writes there.
PREPARED = f"s3://{stack.bucket}/data/__NAME__/{execution_mark()}"

#: Every execution is given these, and is refused at once without them. One image prepares and
#: trains; `byoa build` pushes it and says its address.
inputs = ExecutionInput(schema={"Source": str, "Image": str})

#: Streams the address into the bucket; what is there unchanged is not fetched again.
ingest = FunctionStep("Ingest", stack.function("ingest-data"), {"Source": inputs["Source"]})

prepare = ProcessingStep(
    "Prepare",
    Processor(stack.role_arn("jobs"), inputs["Image"], 1, "ml.t3.medium", entrypoint=PREPROCESS),
    inputs=[ProcessingInput(ingest.output()["Uri"], "/opt/ml/processing/input", "data")],
    outputs=[ProcessingOutput("/opt/ml/processing/output", PREPARED, "data")],
)

estimator = Estimator(
    inputs["Image"],
    stack.role_arn("jobs"),
    instance_count=1,
    instance_type="ml.m5.large",
    output_path=f"s3://{stack.bucket}/models",
)
#: estimator.set_hyperparameters(trees=200) and the like; values are those of your `train.py`.
channels = {"training": f"{PREPARED}/train/", "test": f"{PREPARED}/test/"}
train = TrainingStep("Train", estimator, data=channels)

workflow = Workflow(
    name="__NAME__",
    definition=Chain([ingest, prepare, train]),
    execution_input=inputs,
)
