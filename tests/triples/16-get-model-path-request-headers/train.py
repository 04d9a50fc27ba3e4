"""Train the stand-in model: the settings of the repository that the triple comes from.

The last digits depend on the processor. The committed file was made, and the answers were
recorded, with scikit-learn 1.1.3, numpy 1.26.4 and OPENBLAS_CORETYPE=SkylakeX.
"""

from pathlib import Path

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

OUTPUT = Path(__file__).parent / "models/diabetes/1/sklearn_regression_model.pkl"

if __name__ == "__main__":
    rows, _, progressions, _ = train_test_split(
        *load_diabetes(return_X_y=True), test_size=0.2, random_state=0
    )
    joblib.dump(Ridge(alpha=0.4).fit(rows, progressions), OUTPUT)
