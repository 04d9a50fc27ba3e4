"""Which conda packages are on the Python package index, and under which name.

A name that is not here may be a program in C, or another project's on the index (conda's `jq` is
the program, the index's `jq` a binding of it): pip must never guess. Sources of the names that
differ: conda/grayskull, grayskull/strategy/config.yaml, and prefix-dev/parselmouth,
files/v0/pytorch/compressed_mapping.json (both 2025). The others are of projects that publish under
one name in both places; of all of them, what scoring environments ask for.
"""

from typing import Final

_SAME: Final = """
absl-py accelerate adal adlfs aiobotocore aiofiles aiohttp alembic altair anyio appdirs argcomplete
argon2-cffi arrow arviz astor asttokens astunparse async-timeout attrs azure-common azure-core
azure-identity azure-keyvault-secrets azure-storage-blob babel bcrypt beautifulsoup4 biopython
bleach blinker bokeh boto3 botocore bottleneck cachetools captum catboost category_encoders certifi
cffi chardet charset-normalizer click cloudpickle colorama configparser contextlib2 contourpy
coverage cryptography cvxpy cycler cython cytoolz databricks-cli dataclasses datasets decorator
defusedxml deprecated dill diskcache distro docopt docutils entrypoints evaluate fastapi fastparquet
fasttext feature_engine featuretools filelock fire flask flask-cors fonttools frozenlist fsspec
funcsigs future gast gensim geopandas geopy gitpython google-api-core google-auth
google-cloud-storage greenlet grpcio gunicorn h11 h3 h5py holidays html5lib httpcore httptools httpx
huggingface_hub humanfriendly hyperopt idna imageio imbalanced-learn importlib-metadata
importlib-resources importlib_metadata importlib_resources imutils inflection interpret
interpret-core ipykernel ipython ipywidgets isodate isort itsdangerous jax jedi jinja2 jmespath
joblib jsonpatch jsonpickle jsonpointer jsonschema jupyter_client jupyter_core keras
keras-applications keras-preprocessing kiwisolver langdetect lap lifelines lightfm lightgbm lime
llvmlite locket loguru lxml lz4 mako markdown markupsafe marshmallow mccabe mlflow mlxtend
more-itertools mpmath msal msrest msrestazure multidict multiprocess munch mypy_extensions nbformat
ndg-httpsclient nest-asyncio networkx nltk notebook numba numexpr numpy numpydoc oauthlib onnx
onnxmltools onnxruntime openpyxl opt_einsum optuna orjson packaging pandas pandas-profiling
papermill paramiko parso partd pathlib2 pathspec patsy peft pexpect pickleshare pillow platformdirs
plotly plotnine pluggy pmdarima polars prettytable prometheus_client prompt-toolkit propcache
prophet protobuf psutil ptyprocess pure_eval py py4j pyaml pyarrow pyasn1 pyasn1-modules pycocotools
pycparser pycryptodome pycryptodomex pydantic pydot pygments pyjwt pylint pymongo pymssql pymysql
pynacl pyod pyodbc pyopenssl pyparsing pyproj pyrsistent pysocks pyspark pyspellchecker pytesseract
pytest pytest-cov python-dateutil python-dotenv python-json-logger python-multipart python-slugify
pytorch-lightning pytz pywavelets pyyaml pyzmq qtpy rasterio rdflib regex requests requests-oauthlib
retrying rich rsa ruamel.yaml s3fs s3transfer sacremoses safetensors scikit-image scikit-learn
scikit-optimize scikit-surprise scipy seaborn selenium semver send2trash sentence-transformers
sentencepiece setuptools shap shapely simplejson six skl2onnx sktime slicer smart_open smmap sniffio
snowballstemmer sortedcontainers soupsieve spacy sqlalchemy sqlparse stack_data starlette
statsmodels streamlit sympy tabulate tblib tenacity tensorboard tensorflow tensorflow-estimator
termcolor textblob tf2onnx theano threadpoolctl tifffile tiktoken timm tokenizers toml tomli toolz
torchaudio torchmetrics torchtext torchvision tornado tqdm traitlets transformers tsfresh typeguard
typer typing-extensions typing_extensions tzlocal umap-learn unidecode uritemplate urllib3 uvicorn
uvloop wandb wcwidth webencodings websocket-client werkzeug wheel wordcloud wrapt xarray xgboost
xlrd xlsxwriter xlwt yapf yarl zict zipp zstandard
"""

_OTHER: Final = {
    "brotli-python": "brotli",
    "dask-core": "dask",
    "docker-py": "docker",
    "faiss-cpu": "faiss-cpu",
    "fbprophet": "fbprophet",
    "h2o-py": "h2o",
    "importlib_metadata": "importlib-metadata",
    "lightning": "lightning",
    "matplotlib": "matplotlib",
    "matplotlib-base": "matplotlib",
    "mlflow-skinny": "mlflow-skinny",
    "msgpack-python": "msgpack",
    # conda-forge maps them to opencv-python, whose wheel needs the libraries of a screen.
    "opencv": "opencv-python-headless",
    "plotly_express": "plotly-express",
    "polars-lts-cpu": "polars-lts-cpu",
    "psycopg2": "psycopg2-binary",
    "psycopg2-binary": "psycopg2-binary",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "pysoundfile": "soundfile",
    "pytables": "tables",
    "python-annoy": "annoy",
    "python-confluent-kafka": "confluent-kafka",
    "python-fastjsonschema": "fastjsonschema",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-kaleido": "kaleido",
    "python-kubernetes": "kubernetes",
    "python-tzdata": "tzdata",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pvlib-python": "pvlib",
    "redis-py": "redis",
    "tensorflow-base": "tensorflow",
    "tensorflow-cpu": "tensorflow-cpu",
    "tensorflow-gpu": "tensorflow",  # the index has tensorflow-gpu only up to 2.11
    "trino-python-client": "trino",
}

# The index's name by conda's.
PIP_NAMES: Final = {name: name for name in _SAME.split()} | _OTHER
