package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	validate "sigs.k8s.io/kubectl-validate/pkg/cmd"
	"sigs.k8s.io/kubectl-validate/pkg/openapiclient"
	"sigs.k8s.io/kubectl-validate/pkg/validator"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// kubernetesVersion is the newest version whose schemas kubectl-validate has; what the
// manifests use is the same in later ones.
const kubernetesVersion = "1.30"

// build gives the manifests of the example by kind and name, with its files filled in
// as docs/deployment.md says.
func build(t *testing.T) map[string][]byte { return buildWith(t, "") }

// buildWith is build with patches appended to the overlay's own.
func buildWith(t *testing.T, patches string) map[string][]byte {
	t.Helper()
	root := filepath.Join("..", "..")
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join(root, "deploy", "kubernetes"))))
	example := filepath.Join(folder, "overlays", "example")
	require.NoError(t, os.RemoveAll(filepath.Join(example, "flows")))
	require.NoError(t, os.CopyFS(filepath.Join(example, "flows"), os.DirFS(filepath.Join(root, "flows"))))
	secrets, err := os.ReadFile(filepath.Join(example, "secrets.env.example"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(example, "secrets.env"), secrets, 0o600))
	overlay, err := os.ReadFile(filepath.Join(example, "kustomization.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(example, "kustomization.yaml"), append(overlay, patches...), 0o600))

	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), example)
	require.NoError(t, err)
	documents := map[string][]byte{}
	for _, resource := range built.Resources() {
		document, err := resource.AsYAML()
		require.NoError(t, err)
		documents[resource.GetKind()+"/"+resource.GetName()] = document
	}
	return documents
}

// read gives the only manifest of a kind, decoded strictly into the kind's type.
func read[T any](t *testing.T, documents map[string][]byte, kind string) T {
	t.Helper()
	var object T
	require.NoError(t, yaml.UnmarshalStrict(documents[kind+"/refundsync"], &object), kind)
	return object
}

func newValidator(t *testing.T) *validator.Validator {
	t.Helper()
	v, err := validator.New(openapiclient.NewHardcodedBuiltins(kubernetesVersion))
	require.NoError(t, err)
	return v
}

func TestManifestsMeetKubernetesSchemas(t *testing.T) {
	documents := build(t)
	require.Len(t, documents, 10)
	v := newValidator(t)
	for name, document := range documents {
		assert.NoError(t, validate.ValidateDocument(document, v), name)
	}
}

func TestAMistakeInAManifestIsFound(t *testing.T) {
	deployment := build(t)["Deployment/refundsync"]
	v := newValidator(t)
	for name, change := range map[string][2]string{
		"a misspelt field": {"readOnlyRootFilesystem:", "readOnlyRootFileSystem:"},
		"a wrong type":     {"replicas: 2", "replicas: two"},
		"a missing field":  {"  selector:\n    matchLabels:\n      app.kubernetes.io/name: refundsync\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			changed := bytes.Replace(deployment, []byte(change[0]), []byte(change[1]), 1)
			require.NotEqual(t, deployment, changed)
			require.Error(t, validate.ValidateDocument(changed, v))
		})
	}
}

// The namespace enforces the restricted level of the pod security standards.
func TestPodsMeetTheRestrictedStandard(t *testing.T) {
	documents := build(t)
	namespace := read[corev1.Namespace](t, documents, "Namespace")
	level, errs := api.PolicyToEvaluate(namespace.Labels, api.Policy{})
	require.Empty(t, errs, field.ErrorList(errs).ToAggregate())
	require.Equal(t, api.LevelRestricted, level.Enforce.Level)

	pod := read[appsv1.Deployment](t, documents, "Deployment").Spec.Template
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	require.NoError(t, err)
	for _, result := range evaluator.EvaluatePod(level.Enforce, &pod.ObjectMeta, &pod.Spec) {
		assert.True(t, result.Allowed, "%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
	}
}

func TestSelectorsMeetThePods(t *testing.T) {
	documents := build(t)
	deployment := read[appsv1.Deployment](t, documents, "Deployment")
	pod := labels.Set(deployment.Spec.Template.Labels)
	matches := func(what string, selector *metav1.LabelSelector) {
		t.Helper()
		compiled, err := metav1.LabelSelectorAsSelector(selector)
		require.NoError(t, err)
		require.False(t, compiled.Empty(), what)
		require.True(t, compiled.Matches(pod), what)
	}
	matches("deployment", deployment.Spec.Selector)
	matches("spread", deployment.Spec.Template.Spec.TopologySpreadConstraints[0].LabelSelector)
	matches("disruption budget", read[policyv1.PodDisruptionBudget](t, documents, "PodDisruptionBudget").Spec.Selector)
	network := read[networkingv1.NetworkPolicy](t, documents, "NetworkPolicy")
	matches("network policy", &network.Spec.PodSelector)
	matches("service", &metav1.LabelSelector{MatchLabels: read[corev1.Service](t, documents, "Service").Spec.Selector})
}

// With Worker Deployment versions, the patch of docs/upgrades.md makes each version a
// Deployment beside the previous one, with everything else shared.
func TestAVersionIsADeploymentOfItsOwn(t *testing.T) {
	upgrades, err := os.ReadFile(filepath.Join("..", "..", "docs", "upgrades.md"))
	require.NoError(t, err)
	patch := regexp.MustCompile("(?s)```yaml\n(  - target: .*?)```").FindSubmatch(upgrades)
	require.NotNil(t, patch)
	plain, versioned := build(t), buildWith(t, string(patch[1]))

	const name = "Deployment/refundsync-v1-1-0"
	require.Contains(t, versioned, name)
	require.NoError(t, validate.ValidateDocument(versioned[name], newValidator(t)))
	var deployment appsv1.Deployment
	require.NoError(t, yaml.UnmarshalStrict(versioned[name], &deployment))
	require.Equal(t, "v1.1.0", deployment.Spec.Selector.MatchLabels["app.kubernetes.io/version"])
	pod := deployment.Spec.Template.Labels
	require.Equal(t, deployment.Spec.Selector.MatchLabels, pod)
	selector, err := metav1.LabelSelectorAsSelector(read[policyv1.PodDisruptionBudget](t, versioned, "PodDisruptionBudget").Spec.Selector)
	require.NoError(t, err)
	require.True(t, selector.Matches(labels.Set(pod)))

	delete(versioned, name)
	delete(plain, "Deployment/refundsync")
	require.Equal(t, plain, versioned)
}

// The overlay makes everything that the pods refer to, under names with a hash.
func TestWhatThePodsReferToExists(t *testing.T) {
	documents := build(t)
	spec := read[appsv1.Deployment](t, documents, "Deployment").Spec.Template.Spec
	var named []string
	for _, source := range spec.Containers[0].EnvFrom {
		require.Nil(t, source.SecretRef, "secrets are files")
		named = append(named, "ConfigMap/"+source.ConfigMapRef.Name)
	}
	for _, volume := range spec.Volumes {
		if volume.Projected != nil {
			for _, source := range volume.Projected.Sources {
				named = append(named, "ConfigMap/"+source.ConfigMap.Name)
			}
		} else if volume.Secret.Optional == nil {
			named = append(named, "Secret/"+volume.Secret.SecretName)
		}
	}
	require.Len(t, named, 4)
	for _, name := range named {
		require.Contains(t, documents, name)
	}
	require.Contains(t, documents, "ServiceAccount/"+spec.ServiceAccountName)
}

// REFUNDSYNC_SECRETS is the folder where the secrets are mounted, readable only by the
// workers.
func TestSecretsAreFiles(t *testing.T) {
	spec := read[appsv1.Deployment](t, build(t), "Deployment").Spec.Template.Spec
	var folder, volume string
	for _, variable := range spec.Containers[0].Env {
		require.Nil(t, variable.ValueFrom, variable.Name)
		if variable.Name == "REFUNDSYNC_SECRETS" {
			folder = variable.Value
		}
	}
	for _, mount := range spec.Containers[0].VolumeMounts {
		if mount.MountPath == folder {
			require.True(t, mount.ReadOnly)
			volume = mount.Name
		}
	}
	for _, v := range spec.Volumes {
		if v.Name == volume {
			require.EqualValues(t, 0o440, *v.Secret.DefaultMode)
			return
		}
	}
	require.Fail(t, "no volume of secrets")
}

// The pods reach only named destinations, and port 443 on the internet.
func TestThePolicyOpensNoPortToEverywhere(t *testing.T) {
	egress := read[networkingv1.NetworkPolicy](t, build(t), "NetworkPolicy").Spec.Egress
	require.Len(t, egress, 4)
	for _, rule := range egress {
		require.NotEmpty(t, rule.To)
		require.NotEmpty(t, rule.Ports)
		for _, to := range rule.To {
			if to.IPBlock == nil {
				require.NotEmpty(t, to.NamespaceSelector.MatchLabels)
			} else if len(to.IPBlock.Except) > 0 {
				require.Len(t, rule.Ports, 1)
				require.EqualValues(t, 443, rule.Ports[0].Port.IntValue())
			} else {
				require.Contains(t, to.IPBlock.CIDR, "/32")
			}
		}
	}
}

// What the worker calls secret is in no ConfigMap, which more people may read.
func TestNoSecretIsInAConfigMap(t *testing.T) {
	secrets := regexp.MustCompile(`(?m)^ +([A-Z_]+) .*\[secret\]$`).FindAllStringSubmatch(workerHelp(t), -1)
	require.Greater(t, len(secrets), 5)
	for name, document := range build(t) {
		if strings.HasPrefix(name, "ConfigMap/") {
			for _, secret := range secrets {
				assert.NotContains(t, string(document), secret[1]+":", name)
			}
		}
	}
}

// A worker that is stopping gets the time to finish before it is killed.
func TestPodsMayDrain(t *testing.T) {
	grace := read[appsv1.Deployment](t, build(t), "Deployment").Spec.Template.Spec.TerminationGracePeriodSeconds
	drain := regexp.MustCompile(`(?m)^ +REFUNDSYNC_DRAIN_TIMEOUT .*\(default (\S+)\)$`).FindStringSubmatch(workerHelp(t))
	require.NotNil(t, drain)
	timeout, err := time.ParseDuration(drain[1])
	require.NoError(t, err)
	require.Greater(t, time.Duration(*grace)*time.Second, timeout)
}

// workerHelp gives the list of a worker's settings with their defaults, in English.
func workerHelp(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the worker and runs it")
	}
	help := exec.Command("go", "run", "./worker", "--help")
	help.Dir = filepath.Join("..", "..")
	help.Env = append(help.Environ(), "REFUNDSYNC_LANG=en")
	text, err := help.Output()
	require.NoError(t, err)
	return string(text)
}

// The manifests set only settings that a worker has.
func TestSettingsAreThoseOfTheWorker(t *testing.T) {
	documents := build(t)
	names := map[string]bool{}
	for name, document := range documents {
		var data struct {
			Data map[string]string `json:"data"`
		}
		if strings.HasPrefix(name, "ConfigMap/refundsync-settings") || strings.HasPrefix(name, "Secret/") {
			require.NoError(t, yaml.Unmarshal(document, &data))
		}
		for setting := range data.Data {
			names[setting] = true
		}
	}
	for _, variable := range read[appsv1.Deployment](t, documents, "Deployment").Spec.Template.Spec.Containers[0].Env {
		names[variable.Name] = true
	}
	delete(names, "GOMEMLIMIT") // Go's own
	require.Greater(t, len(names), 10)
	known := workerHelp(t)
	for name := range names {
		assert.Contains(t, known, name)
	}
}
