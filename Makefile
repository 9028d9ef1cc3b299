.PHONY: paper demo earnings chaos soak test strategies tree kills power-cuts bench bench-venue bench-fleet versions
.PHONY: venv lint clean clean-cache

PYTHON_IN_VENV = .venv/bin/python
# The branch coverage of the connector, where Hummingbot has it, by the tests that lie in Hummingbot's folders. It is a
# run of its own, since measuring costs half as much again, above all while Hummingbot is imported.
INSTALLED = $(addprefix .venv/lib/python3.*/site-packages/hummingbot/,connector/derivative/acme_perpetual \
	data_feed/candles_feed/acme_perpetual_candles)
COVERAGE = $(addprefix --cov=,$(shell ls -d $(INSTALLED))) --cov-branch --cov-report=term --cov-fail-under=95
# Six processes on two cores, because most of the long tests wait for a venue or a bot half of their time.
WHOLE_RUN = -q --processes $(or $(PROCESSES),6) --durations=10 $(if $(SEED),--order $(SEED))
WITH_SOURCE = HUMMINGBOT_SOURCE="$(abspath $(HUMMINGBOT_SOURCE))" $(PYTHON_IN_VENV)
define REQUIRE_SOURCE
@test -d "$(HUMMINGBOT_SOURCE)/controllers" || { \
	echo "HUMMINGBOT_SOURCE=DIR: name a source tree of Hummingbot, with scripts and controllers in it."; exit 2; }
endef
RUN_OPTIONS = $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

## A market opens at once; the real Hummingbot makes a market on it as soon as it is installed. SECONDS=90 ends it by
## itself, else Ctrl-C. STRATEGY=inventory_maker is a V2 controller. FOLLOW=FILE is a recording to trade on, SPEED=10.
demo:
	@tools/bootstrap --venue
	@exec $(PYTHON_IN_VENV) -m acme_bot demo --prepare "tools/bootstrap --bot" $(RUN_OPTIONS) \
		$(if $(STRATEGY),--strategy $(STRATEGY)) \
		$(if $(FOLLOW),--follow "$(abspath $(FOLLOW))") $(if $(SPEED),--speed $(SPEED))

## Paper trading on a real exchange's prices: EXCHANGE=binance_perpetual PAIRS="BTC-USDT ETH-USDT".
paper: venv
	@test -n "$(EXCHANGE)" -a -n "$(PAIRS)" || { \
		echo 'Name the exchange and the pairs: make paper EXCHANGE=binance_perpetual PAIRS="BTC-USDT ETH-USDT"'; exit 2; }
	@exec $(PYTHON_IN_VENV) -m acme_bot paper $(EXCHANGE) $(PAIRS) $(ARGS)

## Three bots trade while everything fails, for SECONDS=600. SEED=1 decides what fails when.
chaos: venv
	@exec $(PYTHON_IN_VENV) -m acme_bot chaos $(RUN_OPTIONS)

## Steady trading on five markets for SECONDS=3600; fails if memory, lag, queues or open files keep rising. Draws them.
soak: venv
	@exec $(PYTHON_IN_VENV) -m acme_bot soak $(RUN_OPTIONS)

## Every test, in six processes, in an order that is drawn and printed: SEED=n repeats it. ARGS="-k name" chooses some.
test: venv
	@env -u PYTHONDONTWRITEBYTECODE $(PYTHON_IN_VENV) -m pytest $(if $(ARGS),$(ARGS),$(WHOLE_RUN))

.PHONY: thorough

## The tests that hypothesis makes up, with twenty times as many examples as `make test` tries.
thorough: venv
	@$(PYTHON_IN_VENV) -m pytest -q --processes $(or $(PROCESSES),2) --hypothesis-profile thorough -m hypothesis $(ARGS)

## What the demo's settings earn, with both strategies, on SEEDS=10 seeds for SECONDS=120 each; at least eight of ten
## above zero.
earnings: venv
	@$(PYTHON_IN_VENV) -m bench.earnings $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)

.PHONY: coverage

## The branch coverage of the connector by the tests in Hummingbot's folders; fails under 95 %.
coverage: venv
	@$(PYTHON_IN_VENV) -m pytest -q --processes 2 $(COVERAGE) test/hummingbot

## Hummingbot's own strategies, each for a while on venues of its own: HUMMINGBOT_SOURCE=DIR, a source tree of
## Hummingbot. ARGS=--keep-transcripts keeps in docs/transcripts what they show.
strategies: venv
	$(REQUIRE_SOURCE)
	@$(WITH_SOURCE) -m pytest -s $(ARGS) test/end_to_end/test_strategies.py test/end_to_end/test_arbitrage.py

## Hummingbot's own tests over all connectors, and its style, in a copy of its source tree with the connector laid in.
tree: venv
	$(REQUIRE_SOURCE)
	@$(WITH_SOURCE) -m pytest $(ARGS) test/acme_bot/test_source_tree.py

## Kills a venue under load RESTARTS times, where `make test` does it 5 times. SEED=2 is another run.
kills: venv
	@$(PYTHON_IN_VENV) -m pytest test/acme_exchange/test_kills.py -s \
		--restarts $(or $(RESTARTS),100) --kill-seed $(or $(SEED),1)

## Cuts the power of a venue under load CUTS times, where `make test` does it 3 times. SEED=2 is another run.
power-cuts: venv
	@$(PYTHON_IN_VENV) -m pytest test/acme_exchange/test_power_cuts.py -s \
		--power-cuts $(or $(CUTS),200) --kill-seed $(or $(SEED),1)

## The connector beside Hummingbot's own, and beside the least that is possible. ARGS=--keep keeps the table; the lines
## of parts that did not run stay in it.
bench: venv
	@$(PYTHON_IN_VENV) -m bench $(ARGS)

## What a whole bot costs to run, `perpetual_market_making` on the connector and on Hummingbot's own, side by side, for
## SECONDS=600. ARGS=--keep keeps its lines of the table; those of `make bench` stay.
.PHONY: bench-bot
bench-bot: venv
	@$(PYTHON_IN_VENV) -m bench bot $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)

## What clients without a key can cost the venue and its traders. ARGS="--seconds 20 --only half-sent".
.PHONY: attack
attack: venv
	@$(PYTHON_IN_VENV) -m bench.attacks $(ARGS)

## Orders a second, acknowledgements, processor time and memory of the venue, beside another matching engine.
## ARGS="--rate 500" and others: see bench/venue_throughput.py. ARGS="--rate --orders 1000000": what a million orders
## change.
bench-venue: venv
	@$(PYTHON_IN_VENV) -m bench.venue_throughput $(ARGS)

## The connector's tests on every supported version of Hummingbot. ARGS="20260901" chooses one.
versions: venv
	@$(PYTHON_IN_VENV) tools/versions $(ARGS)

.PHONY: paper-soak bench-follow bench-ten-markets fill-rules

## Two market makers of Hummingbot's on `acme-bot paper`, on a recording that is played over and over, for SECONDS=1800;
## fails if memory, lag, queues or open files keep rising, or a line of either bot's records differs from the venue's.
## HUMMINGBOT_SOURCE=DIR, a source tree of Hummingbot, has pmm_simple.
paper-soak: venv
	@$(WITH_SOURCE) -m bench.paper_soak $(if $(SECONDS),--seconds $(SECONDS)) $(ARGS)

## What share of one core ten liquid markets take, the feed and the venue. ARGS="--markets 5 --seconds 60".
bench-ten-markets: venv
	@$(PYTHON_IN_VENV) -m bench.ten_markets $(ARGS)

## What following a real market costs: the engine, and the way from the feed's line to a fill. ARGS="--seconds 60".
bench-follow: venv
	@$(PYTHON_IN_VENV) -m bench.following $(ARGS)

## What each fill rule makes of the same orders: RECORDING=FILE of `acme-bot feed`, or 60 s of Binance's BTCUSDT.
fill-rules: venv
	@$(PYTHON_IN_VENV) -m bench.fill_rules $(RECORDING)

## What a bot costs: processor time and memory of several on this machine. ARGS="--bots 4 --seconds 60".
bench-fleet: venv
	@$(PYTHON_IN_VENV) bench/fleet.py $(ARGS)

## Many bots on one venue, each a process with the real connector: BOTS=50 for SECONDS=600.
.PHONY: bench-fifty
bench-fifty: venv
	@$(PYTHON_IN_VENV) -m bench.fifty $(if $(BOTS),--bots $(BOTS)) $(if $(SECONDS),--seconds $(SECONDS))

## What `hbot stop` leaves of 600 orders in six markets while every processor is busy. ARGS="--orders 100 --busy 0".
.PHONY: stopping
stopping: venv
	@$(PYTHON_IN_VENV) -m bench.stopping $(ARGS)

.PHONY: bench-page screenshots

## What a page that is open costs the venue. ARGS="--seconds 120".
bench-page: venv
	@$(PYTHON_IN_VENV) bench/page_cost.py $(ARGS)

## Pictures of the page for the documents, from a demo that runs for them. ARGS="--seconds 600".
screenshots: venv
	@$(PYTHON_IN_VENV) -m tools.screenshots $(ARGS)

## What is written, without running it: the rules, the format, the types. pre-commit and CI run it too.
lint: venv
	@$(PYTHON_IN_VENV) -m ruff check --quiet .
	@$(PYTHON_IN_VENV) -m ruff format --quiet --check .
	@$(PYTHON_IN_VENV) -m flake8 hummingbot test/hummingbot
	@$(PYTHON_IN_VENV) -m mypy --no-error-summary
	@$(PYTHON_IN_VENV) -m mypy --no-error-summary --config-file tools/mypy-connector.ini
	@$(PYTHON_IN_VENV) -m isort --quiet --check-only hummingbot test/hummingbot
	@.venv/bin/oxlint --quiet --deny-warnings acme_exchange/page/static

venv:
	@tools/bootstrap

## Removes what was compiled from the user's cache folder.
clean-cache:
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/acme-perpetual" "$$HOME/Library/Caches/acme-perpetual"

clean:
	rm -rf .venv .venv-* build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage

.PHONY: fleet

## A whole fleet, and the loss of each of its parts: HUMMINGBOT_API_SOURCE=DIR, a checkout of hummingbot-api
## (ee7ce5cf was tried). It needs Debian's postgresql and mosquitto, and says so.
fleet: venv
	@HUMMINGBOT_API_SOURCE="$(if $(HUMMINGBOT_API_SOURCE),$(abspath $(HUMMINGBOT_API_SOURCE)))" \
		$(PYTHON_IN_VENV) -m pytest -s -rs $(ARGS) test/fleet
