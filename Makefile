# make demo    the whole loop in the simulated cell           make test    every test
# make install what both rest on: .venv with pinned dependencies and this package; later runs take seconds
# make lint    style, formatting, types, import contracts     make docs    the documentation site in out/site
# make campaign  faults of every kind against the live graph in the cell (docs/safety.md)
# make clean   remove what the others made, but out/
# make from-bags     from recordings to a fine-tuned policy (docs/from_bag_to_policy.md); EPISODES, TASKS, OUT, ..
# make test-lerobot   the lerobot library with our datasets and models, its policies in our graph; in .venv-lerobot (another 1.7 GB)
# make conformance   recordings and data sets against the formats' own libraries and variants (docs/data.md)
# make benchmarks     Meta-World in .venv-benchmarks, for --env metaworld (docs/benchmarks.md)
# make nano    demonstrations, training, corrections, success: models/nano from nothing (docs/training.md)
# make finetune  the same for a task that no shipped model knows: 50 demonstrations, then corrections
#              Both go on where they were broken off, and need no network once the installation is there.
#
# OPEN=1         of make demo: opens the live page in a browser
# PYTHON=...       a Python 3.11 or 3.12; found by itself
# TORCH_INDEX=...  where to take torch from. Empty: the CPU build if pip's configuration or PyTorch's CPU index has one.
#                  With a GPU: default (pip's own index)
# TEST_ARGS=...    handed to pytest, for example TEST_ARGS="test/control -x"
# RECIPE=nano RUN=runs/nano DATA=data EPISODES=4500 CORRECTIONS=1500 SIZE=96 JOBS=cores   of make nano
# LAUNCH=...       how training starts; on 8 GPUs ".venv/bin/accelerate launch --multi_gpu --num_processes 8 \
#                  -m action_images_ros.cli"; on two processors, as `make finetune` was measured,
#                  "OMP_NUM_THREADS=1 .venv/bin/torchrun --nproc_per_node 2 -m action_images_ros.cli"
# TASK=slide_block INIT=nano TUNED=runs/TASK KNOWN=DATA (against forgetting)     of make finetune

SHELL := bash
.DELETE_ON_ERROR:
.PHONY: install demo campaign test test-lerobot lerobot conformance benchmarks lint docs clean nano finetune from-bags

TORCH_INDEX ?=
TEST_ARGS ?=
RECIPE ?= nano
RUN ?= runs/$(RECIPE)
DATA ?= data
EPISODES ?= 4500
CORRECTIONS ?= 1500
SIZE ?= 96
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
LAUNCH ?= $(BIN)/action-images
TASK ?= slide_block
INIT ?= nano
TUNED ?= runs/$(TASK)
KNOWN ?= $(TUNED)/known
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip
STAMP := $(VENV)/stamp
# On a ROS 2 host rclpy, the messages and pinocchio are apt's, built against numpy 1.26: nothing of them may come from
# PyPI. rerun-sdk asks for numpy 2 but runs with 1.26: it is installed without its dependencies there.
EXTRAS := $(if $(ROS_DISTRO),,ros urdf live) cell evaluate wan train data ray docs test
SOURCES := $(shell find action_images_ros config launch models resource -type f -not -path '*/__pycache__/*' 2>/dev/null)

install: $(STAMP)/package

demo: install
	$(BIN)/action-images demo $(if $(OPEN),--live)

campaign: install
	$(BIN)/action-images campaign

test: install
	$(BIN)/pytest -n auto --maxprocesses 4 $(TEST_ARGS)

docs: install
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict -q -f docs/mkdocs.yml

from-bags: install
	PATH="$(abspath $(BIN)):$$PATH" docs/from_bag_to_policy.sh

lerobot: install .venv-lerobot/stamp

test-lerobot: lerobot
	LEROBOT_PYTHON=.venv-lerobot/bin/python $(BIN)/pytest test/data_layer/lerobot/test_library.py test/lerobot_runtime/test_library.py $(TEST_ARGS)

conformance: lerobot
	LEROBOT_PYTHON=.venv-lerobot/bin/python $(BIN)/pytest test/data_layer/rosbag2/test_mcap_variants.py \
	    test/data_layer/rosbag2/test_storages.py test/data_layer/lerobot test/lerobot_runtime $(TEST_ARGS)

.venv-lerobot/stamp: .ci/install-lerobot .ci/lerobot-constraints.txt
	@echo "Installing the lerobot library into .venv-lerobot, apart from everything else"
	@rm -rf .venv-lerobot
	@.ci/install-lerobot $(BIN)/python .venv-lerobot $(TORCH_INDEX)
	@touch $@

# gymnasium's MuJoCo module imports packaging without requiring it.
benchmarks: install .venv-benchmarks/stamp

.venv-benchmarks/stamp: .ci/benchmarks-constraints.txt
	@echo "Installing Meta-World into .venv-benchmarks, apart from everything else"
	@rm -rf .venv-benchmarks
	@$(BIN)/python -m venv .venv-benchmarks
	@.venv-benchmarks/bin/pip install -q -c .ci/benchmarks-constraints.txt metaworld packaging
	@touch $@

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A training that was broken off goes on, one that was not begun begins: $(call train,RECIPE,RUN,OPTIONS).
train = $(LAUNCH) train config/training/$(1).yaml --out $(2) $(3) $$([ -e $(2)/checkpoint.pt ] && echo --resume)
# Tasks that have been evaluated are left out: $(call evaluate,MODEL,FOLDER,TASKS,OPTIONS).
evaluate = mkdir -p $(2); for task in $(3); do [ -e $(2)/$$task.json ] || { \
    $(BIN)/action-images evaluate --model $(1) --tasks $$task --workers $(JOBS) --json $(2)/$$task.part $(4) && \
    mv $(2)/$$task.part $(2)/$$task.json; } || exit 1; done
ALL_TASKS = $$($(BIN)/python -c "from action_images_ros.cell.tasks.registry import TASKS; print(*TASKS)")
comma := ,
BOTH = --data $(DATA) --data $(DATA)_corrections --share 0.6$(comma)0.4
# The stages of a recipe after its own, those that there are; each begins with the model of the one before.
STAGES := $(patsubst config/training/$(RECIPE)_%.yaml,%,$(wildcard $(addprefix config/training/$(RECIPE)_,near.yaml images.yaml reader.yaml)))
LAST = $(lastword corrected $(STAGES))

nano: install
	$(BIN)/action-images collect $(DATA) --episodes $(EPISODES) --size $(SIZE) --workers $(JOBS)
	$(call train,$(RECIPE),$(RUN),--data $(DATA))
	$(BIN)/action-images collect $(DATA)_corrections --corrections $(RUN)/model --seed 3000000 \
	    --episodes $(CORRECTIONS) --size $(SIZE) --workers $(JOBS)
	$(call train,$(RECIPE),$(RUN)_corrected,$(BOTH) --init $(RUN)/model)
	before=$(RUN)_corrected; for stage in $(STAGES); do \
	    $(call train,$(RECIPE)_$$stage,$(RUN)_$$stage,$(BOTH) --init $$before/model) || exit 1; before=$(RUN)_$$stage; done
	$(call evaluate,$(RUN)_$(LAST)/model,$(RUN)/evaluation,$(ALL_TASKS),--episodes 100)

finetune: install
	$(BIN)/action-images collect $(TUNED)/demonstrations --tasks $(TASK) --episodes 50 --seed 2000000 --workers $(JOBS)
	[ -e $(KNOWN) ] || { $(BIN)/action-images collect $(KNOWN).part --episodes 400 \
	    --seed 2200000 --workers $(JOBS) && mv $(KNOWN).part $(KNOWN); }
	$(call evaluate,$(INIT),$(TUNED)/before,$(TASK),--episodes 100)
	$(call train,finetune,$(TUNED),--init $(INIT) --data $(TUNED)/demonstrations --data $(KNOWN) \
	    --share 0.7$(comma)0.3)
	$(call evaluate,$(TUNED)/model,$(TUNED)/after,$(TASK),--episodes 100)
	$(BIN)/action-images collect $(TUNED)/corrections --corrections $(TUNED)/model --tasks $(TASK) --seed 2100000 \
	    --episodes 80 --workers $(JOBS)
	$(call train,finetune_corrected,$(TUNED)/corrected,--init $(TUNED)/model --data $(TUNED)/demonstrations \
	    --data $(TUNED)/corrections --data $(KNOWN) --share 0.4$(comma)0.3$(comma)0.3)
	$(call evaluate,$(TUNED)/corrected/model,$(TUNED)/after_corrections,$(TASK),--episodes 100)

clean:
	rm -rf $(VENV) .venv-lerobot build *.egg-info .pytest_cache .ruff_cache .import_linter_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP)/venv:
	@python="$(PYTHON)"; [ -n "$$python" ] || python=$$(.ci/find-python) || exit 1; \
	.ci/check-system "$$python" || exit 1; \
	echo "Installing into $(VENV) with $$($$python --version): about 0.6 GB to download once, 2.6 GB on the disk."; \
	"$$python" -m venv $(VENV)
	@mkdir -p $(STAMP)
	@touch $@

$(STAMP)/constraints.txt: constraints.txt .ci/constraints .ci/jazzy-constraints.txt $(STAMP)/venv
	@.ci/constraints > $@

$(STAMP)/torch: $(STAMP)/constraints.txt .ci/install-torch
	@echo "[1/3] torch"
	@$(PIP) install -qq -c $(STAMP)/constraints.txt setuptools
	@.ci/install-torch $(PIP) $(STAMP)/constraints.txt $(TORCH_INDEX)
	@touch $@

$(STAMP)/dependencies: $(STAMP)/torch setup.py .ci/requirements
	@echo "[2/3] the other dependencies ($(EXTRAS))"
	@$(BIN)/python .ci/requirements $(EXTRAS) > $(STAMP)/requirements.txt
	@$(PIP) install -qq -c $(STAMP)/constraints.txt -r $(STAMP)/requirements.txt
	@$(if $(ROS_DISTRO),$(PIP) install -qq --no-deps -c $(STAMP)/constraints.txt rerun-sdk)
	@touch $@

$(STAMP)/package: $(STAMP)/dependencies package.xml setup.py setup.cfg $(SOURCES)
	@echo "[3/3] action_images_ros"
	@rm -rf build/lib build/bdist.*
	@$(PIP) install -qq --no-deps --no-build-isolation --force-reinstall .
	@touch $@
