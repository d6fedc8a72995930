# 一条命令装好并启动：make run；一条命令装好并测试：make test。
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PYTHONUNBUFFERED = 1

.PHONY: help run demo test calls check unit cover bench models peers asterisk clean
.DEFAULT_GOAL := help

help: ## 显示本帮助
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: models ## 装好一切并启动服务
	$(BIN)/voicebot serve

demo: models ## 不用电话，听一段完整的对话并看到工单
	$(BIN)/voicebot call tests/scenarios/streetlight_one_breath.toml --line wav --play

test: models peers check ## 装好一切并跑全部检查与测试
	$(BIN)/python -m pytest

calls: models peers ## 用自家客户端、sipp、baresip 三种客户端逐个拨打全部剧本（约半小时）
	$(BIN)/python -m pytest tests/scenarios -m ""

check: $(STAMP) ## 只跑静态检查：ruff、mypy、import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(STAMP) ## 只跑不需要模型、端口和数据库服务器的测试
	$(BIN)/python -m pytest -m "not engine and not network and not postgres and not peer and not slow and not long"

cover: models ## 纯规则部分（core、audio、turns、language、dialog）的分支覆盖率，低于 95% 即失败
	$(BIN)/python -m pytest tests/dialog tests/contracts tests/voicebot/audio tests/voicebot/turns tests/voicebot/language \
	  -m "not network and not postgres and not peer and not long" --cov=voicebot.core --cov=voicebot.audio --cov=voicebot.turns \
	  --cov=voicebot.language --cov=dialog --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=95

bench: models ## 用一份录音清单测量并写入 benchmarks/results：make bench MANIFEST=清单.jsonl
	@test -n "$(MANIFEST)" || { echo '请给出录音清单：make bench MANIFEST=清单.jsonl'; exit 1; }
	mkdir -p benchmarks/results
	$(BIN)/voicebot bench recogniser $(MANIFEST) --json > benchmarks/results/recogniser.json
	$(BIN)/voicebot bench vad $(MANIFEST) --json > benchmarks/results/vad.json

models: $(STAMP) ## 取得并校验模型（断点续传）
	$(BIN)/voicebot models pull

# 测试要用的真实对端：sipp、baresip、linphone、Kamailio、rtpengine、coturn、PostgreSQL、Chromium，有 Node 时还有 oidc-provider。没有 root、apt 或 npm 时跳过，相应测试会说明原因。
peers:
	@sh .ci/peers.sh

# 不随 make test：它取自 Debian 的不稳定版（Debian 12 没有）。
asterisk: ## 取得真的 Asterisk，放在 var/asterisk（下载约 80 MB，不用 root），让用到它的测试不再跳过
	@sh .ci/asterisk.sh

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo '需要 Python 3.11 或更新版本；可用 make PYTHON=/路径/python3.11 指定。'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[trigram]' 2>/dev/null || \
	  echo '提示：没能安装 kenlm（需要 C++ 编译器），按读音纠错将只用城市词表；其他功能不受影响。'
	@touch $@

clean: ## 删除环境、缓存和运行时数据（保留模型）
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find var -mindepth 1 -maxdepth 1 ! -name models -exec rm -rf {} + 2>/dev/null || true
