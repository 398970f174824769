"""deploy/kubernetes: the configuration is what dagster-k8s takes, and only the scoring pod asks for a GPU."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from dagster._core.instance.ref import InstanceRef

from tests.projects import small_settings, write_settings

pytest.importorskip("dagster_k8s", reason="needs dagster-k8s: pip install -e .[kubernetes]")
pytest.importorskip("dagster_postgres", reason="needs dagster-postgres: pip install -e .[postgres,kubernetes]")

import dagster as dg
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import (
    UserDefinedDagsterK8sConfig,
    construct_dagster_k8s_job,
    get_user_defined_k8s_config,
)

DEPLOY = Path(__file__).parents[1] / "deploy/kubernetes"
KUBECONFIG = """
{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
 clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}], users: [{name: u, user: {}}]}
"""


@pytest.fixture
def module(tmp_path, monkeypatch) -> ModuleType:
    """deploy/kubernetes/definitions.py on the small project."""
    monkeypatch.setenv("BUILDER_CONFIG", str(write_settings(tmp_path, small_settings())))
    spec = importlib.util.spec_from_file_location("kubernetes_definitions", DEPLOY / "definitions.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def launcher(tmp_path, monkeypatch):
    """The run launcher of deploy/kubernetes/dagster.yaml, outside of a cluster."""
    monkeypatch.setenv("BUILDER_IMAGE", "registry.example/builder:1")
    content = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
    (tmp_path / "kubeconfig").write_text(KUBECONFIG, encoding="utf-8")
    outside = {"load_incluster_config": False, "kubeconfig_file": str(tmp_path / "kubeconfig")}
    content["run_launcher"]["config"] |= outside
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "dagster.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    data = InstanceRef.from_dir(str(folder)).run_launcher_data
    assert data is not None
    return data.rehydrate(as_type=K8sRunLauncher)


def test_kubernetes__steps_are_pods_and_only_scoring_asks_for_a_gpu(module, launcher):
    """Settings of the launcher, the executor and the step, merged as K8sStepHandler does."""
    job = module.defs.resolve_implicit_global_asset_job_def()
    assert job.executor_def.name == "k8s"
    of_all = job.executor_def.apply_config_mapping({"config": {}}).value["config"]["step_k8s_config"]
    of_run = K8sContainerContext.create_for_run(dg.DagsterRun(job_name=job.name), launcher, include_run_tags=False)
    asking = {}
    for node in job.graph.nodes:
        context = of_run.merge(K8sContainerContext(run_k8s_config=UserDefinedDagsterK8sConfig.from_dict(of_all))).merge(
            K8sContainerContext(run_k8s_config=get_user_defined_k8s_config(node.definition.tags | node.tags))
        )
        made = construct_dagster_k8s_job(
            context.get_k8s_job_config(None, launcher), ["dagster"], "step", context.run_k8s_config
        )
        pod = made.spec.template.spec
        (container,) = pod.containers
        assert container.image == "registry.example/builder:1"
        assert container.resources.requests == {"cpu": "1", "memory": "4Gi"}
        assert [source.secret_ref.name for source in container.env_from] == ["splice-dataset-builder-postgres"]
        assert "/project" in [mount.mount_path for mount in container.volume_mounts]
        if container.resources.limits:
            asking[node.name] = container.resources.limits, [toleration.key for toleration in pod.tolerations]
    assert asking == {"model__splice_scores": ({"nvidia.com/gpu": "1"}, ["nvidia.com/gpu"])}
