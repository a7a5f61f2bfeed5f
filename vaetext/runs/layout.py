"""The names of every file in a run folder, and in the folders around it. Imports nothing."""

HYDRA = ".hydra"  # what a run was started with
CONFIG = f"{HYDRA}/config.yaml"  # the values that training began with, below a checksum
GIVEN = f"{HYDRA}/overrides.yaml"  # what was given on the command line, for people
SWEEP = "multirun.yaml"  # what Hydra saves of a sweep, beside its jobs' folders
LATEST = "latest"  # link beside run folders to the newest that has a checkpoint

OVERRIDES = "resumed.json"  # trainer options that `vaetext resume` changed
LOCK = ".lock"  # held by the process that trains in the folder
ENVIRONMENT = "env.json"  # versions, device and commit
DOMAIN = "domain.json"  # what a model knows of its data
SOURCES = "sources.json"  # paths of the files of data, and sums of the splits

LOG = "train.log"
METRICS = "metrics.jsonl"  # a line an epoch and split, and every few steps
LAST = "checkpoints/last.safetensors"  # weights, optimizer and state of the last save
BEST = "checkpoints/best.safetensors"  # weights of the lowest valid -ELBO
TENSORBOARD = "tensorboard"

RESULTS = "results.json"
TABLE = "table.md"
SAMPLES = "samples.txt"
NEAREST = "nearest.txt"
EPOCH_EXAMPLES = "samples/epoch-{}"  # during training: .txt, of frames .png too
RECONSTRUCTIONS = "reconstructions.txt"
INTERPOLATIONS = "interpolations.txt"
PLOTS = "plots"
DONE = "DONE"  # written last

COMMAND = "command.json"  # beside what a command wrote: what it read, and its options
CODES = "codes.npz"  # of `vaetext encode`
SCORES = "scores.tsv"
LABELS = "labels.md"  # how well codes tell labels
CODES_PLANE = "codes.png"
