"""__NAME__: a new image if its code changed, a trained model, and an endpoint if it is no worse.

    byoa setup                                    once: the functions, roles and bucket used here
    byoa workflow create __FILE__
    byoa workflow run __NAME__ -i Context=s3://…/context.zip -i Data=s3://…/data/ --wait

Data has training/ and validation/ below it: models are compared on the same pictures.

This file is yours: `byoa workflow update __FILE__` sends what you have changed.
"""

from byoa.workflow import (
    BuildImageStep,
    Chain,
    DeployStep,
    Estimator,
    ExecutionInput,
    GateStep,
    TrainingStep,
    Workflow,
    infrastructure,
)

#: What `byoa setup` has made, by name.
stack = infrastructure()

ENDPOINT = "__NAME__"
#: What a model is judged by; every epoch the job prints `validation_segm_map=0.41;`.
METRIC = {
    "Name": "validation_segm_map",
    "Regex": r"\bvalidation_segm_map=([0-9.]+(?:e[-+]?[0-9]+)?);",
}

#: What an execution is given; one that does not fit is refused at once. Context is a zip of a
#: folder with a Dockerfile: what was built before is not built again. Or an Image is named.
inputs = ExecutionInput(
    schema={"Data": str, "Context?": str, "Image?": str, "Hyperparameters?": dict}
)

#: The image, and hyperparameters for executions that are given none of their own.
build = BuildImageStep(
    "Build", stack.function("build-image"), stack.build_project, hyperparameters={"epochs": 10}
)

estimator = Estimator(
    build.output()["Image"],
    stack.role_arn("jobs"),
    instance_count=1,
    instance_type="ml.g5.xlarge",
    output_path=f"s3://{stack.bucket}/models",
    metric_definitions=[METRIC],
)
data = build.output()["Data"]
channels = {"training": f"{data}training/", "validation": f"{data}validation/"}
train = TrainingStep(
    "Train", estimator, data=channels, hyperparameters=build.output()["Hyperparameters"]
)

#: A model goes on if its metric is at least that of the model that serves, and the margin.
gate = GateStep("Gate", metric=METRIC["Name"], endpoint_name=ENDPOINT, margin=0.0)

#: Creates the endpoint or updates it, waits until it serves, and takes all back if it does not.
deploy = DeployStep(
    "Deploy",
    endpoint_name=ENDPOINT,
    model=train.get_expected_model(),
    instance_type="ml.m5.xlarge",
)

workflow = Workflow(
    name="__NAME__",
    definition=Chain([build, train, gate, deploy]),
    execution_input=inputs,
)
