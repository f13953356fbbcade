# %% [markdown]
# # One model of the grid
#
# A tree ensemble learns to tell three species of iris apart. The cell below is replaced by the
# values of this point of the grid; a cell with the tag `accuracy` is a metric of the run.

# %%
import pickle

import pandas as pd
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from sklearn.model_selection import train_test_split

# %% tags=["parameters"]
upstream = ["features"]
product = None
model_type = "random-forest"
n_estimators = None
criterion = None
learning_rate = None

# %% [markdown]
# ## Data

# %%
flowers = pd.read_csv(upstream["features"])
X, y = flowers.drop(columns="target"), flowers["target"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.33, random_state=42)
flowers.describe().round(2)

# %% [markdown]
# ## Model

# %%
if model_type == "random-forest":
    model = RandomForestClassifier(n_estimators, criterion=criterion, random_state=0)
elif model_type == "ada-boost":
    model = AdaBoostClassifier(
        n_estimators=n_estimators, learning_rate=learning_rate, random_state=0
    )
else:
    raise ValueError(f"model_type is {model_type!r}; it is random-forest or ada-boost")
model.fit(X_train, y_train)

# %% [markdown]
# ## Result

# %% tags=["accuracy"]
model.score(X_test, y_test)

# %%
predicted = model.predict(X_test)
print(classification_report(y_test, predicted, zero_division=0))

# %%
_ = ConfusionMatrixDisplay.from_predictions(y_test, predicted, colorbar=False)

# %%
with open(product["model"], "wb") as file:
    pickle.dump(model, file)
