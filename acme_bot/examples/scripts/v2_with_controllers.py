"""Runs controllers: `hbot start` of a controller's configuration comes to a script of this name.

Hummingbot's own source tree has one too; the package on PyPI has not.
"""

import os
from decimal import Decimal
from typing import Any

from hummingbot.client.hummingbot_application import HummingbotApplication
from hummingbot.strategy.strategy_v2_base import StrategyV2Base, StrategyV2ConfigBase
from hummingbot.strategy_v2.controllers.controller_base import ControllerBase
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, StopExecutorAction


class V2WithControllersConfig(StrategyV2ConfigBase):
    """The largest losses, in the quote asset, from the best result so far: of one controller, which is stopped then,
    and of all together, when the bot is. None: no limit."""

    script_file_name: str = os.path.basename(__file__)
    max_global_drawdown_quote: float | None = None
    max_controller_drawdown_quote: float | None = None


class V2WithControllers(StrategyV2Base):
    REPORT_SECONDS = 1

    def __init__(self, connectors: dict[str, Any], config: V2WithControllersConfig):
        super().__init__(connectors, config)
        self._best: dict[str, Decimal] = {}
        self._lost: set[str] = set()
        self._reported = 0.0

    def apply_initial_setting(self) -> None:
        for controller in self.controllers.values():
            settings = controller.config
            name = getattr(settings, "connector_name", "")
            if not self.is_perpetual(name):
                continue
            if hasattr(settings, "position_mode"):
                self.set_position_mode(name, settings.position_mode)
            if hasattr(settings, "leverage"):
                self.set_leverage(name, settings.trading_pair, settings.leverage)

    def on_tick(self) -> None:
        super().on_tick()
        if self._is_stop_triggered:
            return
        for name, controller in self.controllers.items():
            self._obey_switch(name, controller)
        self._limit_losses()
        self._report()

    def create_actions_proposal(self) -> list[CreateExecutorAction]:
        return []

    def stop_actions_proposal(self) -> list[StopExecutorAction]:
        return []

    def _obey_switch(self, name: str, controller: ControllerBase) -> None:
        """`manual_kill_switch` can be changed while the bot runs, and changed back."""
        if controller.config.manual_kill_switch and controller.status == RunnableStatus.RUNNING:
            self._stop(name, controller)
        elif not controller.config.manual_kill_switch and controller.status == RunnableStatus.TERMINATED:
            if name not in self._lost:
                controller.start()

    def _limit_losses(self) -> None:
        results = {name: self.get_performance_report(name).global_pnl_quote for name in self.controllers}
        for name, result in results.items():
            if name not in self._lost and self._has_lost(name, result, self.config.max_controller_drawdown_quote):
                self._lost.add(name)
                self.logger().warning(f"{name} lost more than max_controller_drawdown_quote and is stopped.")
                self._stop(name, self.controllers[name])
        if self._has_lost("", sum(results.values(), Decimal(0)), self.config.max_global_drawdown_quote):
            self.logger().warning("The controllers lost more than max_global_drawdown_quote; the bot stops.")
            self._is_stop_triggered = True
            HummingbotApplication.main_application().stop()

    def _has_lost(self, name: str, result: Decimal, limit: float | None) -> bool:
        self._best[name] = max(self._best.get(name, Decimal(0)), result)
        return limit is not None and self._best[name] - result > Decimal(str(limit))

    def _stop(self, name: str, controller: ControllerBase) -> None:
        controller.stop()
        self.executor_orchestrator.execute_actions(
            [
                StopExecutorAction(controller_id=name, executor_id=executor.id)
                for executor in self.get_executors_by_controller(name)
                if executor.is_active
            ]
        )

    def _report(self) -> None:
        """Where MQTT is on, whoever listens gets each controller's results."""
        if self._pub is None or self.current_timestamp - self._reported < self.REPORT_SECONDS:
            return
        self._reported = self.current_timestamp
        self._pub(
            {
                name: {
                    "performance": self.get_performance_report(name).model_dump(),
                    "custom_info": controller.get_custom_info(),
                }
                for name, controller in self.controllers.items()
            }
        )
