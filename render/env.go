package render

import (
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/api"
)

// buildEnv is Argo CD's build environment (SEMANTICS.md 1.3). A plugin's own
// variables come prefixed, as Argo CD gives them to its plugins.
func buildEnv(req *Request, source *api.Source) map[string]string {
	env := map[string]string{
		"ARGOCD_APP_NAME":                   req.Application,
		"ARGOCD_APP_NAMESPACE":              req.Namespace,
		"ARGOCD_APP_PROJECT_NAME":           req.Project,
		"ARGOCD_APP_REVISION":               req.Revision,
		"ARGOCD_APP_REVISION_SHORT":         short(req.Revision, 7),
		"ARGOCD_APP_REVISION_SHORT_8":       short(req.Revision, 8),
		"ARGOCD_APP_SOURCE_PATH":            source.Path,
		"ARGOCD_APP_SOURCE_REPO_URL":        source.RepoURL,
		"ARGOCD_APP_SOURCE_TARGET_REVISION": source.TargetRevision,
		"KUBE_VERSION":                      req.KubeVersion,
		"KUBE_API_VERSIONS":                 strings.Join(req.APIVersions, ","),
	}
	if source.Plugin != nil {
		own := map[string]string{}
		for _, v := range source.Plugin.Env {
			own[envPrefix+v.Name] = fill(v.Value, env)
		}
		maps.Copy(env, own)
	}
	return env
}

// envPrefix tells an Application's own variables from all others.
const envPrefix = "ARGOCD_ENV_"

// fill fills variables into a text. $$ is a dollar sign.
func fill(text string, env map[string]string) string {
	return os.Expand(text, func(name string) string {
		if name == "$" {
			return "$"
		}
		return env[name]
	})
}

func short(revision string, n int) string { return revision[:min(n, len(revision))] }

// usesEnv says whether rendering source depends on the build environment. If not,
// the plugin is told none of it, and a new commit alone renders nothing again.
func usesEnv(sourceType api.SourceType, source *api.Source) bool {
	switch sourceType {
	case api.SourceTypeDirectory:
		return source.Directory != nil && source.Directory.Jsonnet != nil && jsonnetHasVariable(source.Directory.Jsonnet)
	case api.SourceTypeKustomize:
		return source.Kustomize != nil && (source.Kustomize.CommonAnnotationsEnvsubst || hasVariable(source.Kustomize.CommonLabels))
	case api.SourceTypeHelm:
		return source.Helm != nil && helmHasVariable(source.Helm)
	}
	return true
}

// usesVersions says whether a kind of source depends on the destination's version
// and kinds. If not, the plugin is told none, and a new kind in the cluster alone
// renders nothing again.
func usesVersions(sourceType api.SourceType) bool {
	return sourceType == api.SourceTypeHelm || sourceType == api.SourceTypePlugin
}

// hasVariable: Argo CD fills variables into commonLabels unasked.
func hasVariable(labels map[string]string) bool {
	for _, value := range labels {
		if strings.Contains(value, "$") {
			return true
		}
	}
	return false
}

// jsonnetHasVariable: an empty block, which Argo CD's own tools write, uses none.
func jsonnetHasVariable(source *api.JsonnetSource) bool {
	for _, v := range slices.Concat(source.ExtVars, source.TLAs) {
		if strings.Contains(v.Value, "$") {
			return true
		}
	}
	return false
}

// helmHasVariable: variables are filled into the names of files and into
// parameters.
func helmHasVariable(source *api.HelmSource) bool {
	return slices.ContainsFunc(source.ValueFiles, fileHasVariable) ||
		slices.ContainsFunc(source.FileParameters, func(p api.HelmFileParameter) bool { return fileHasVariable(p.Path) }) ||
		slices.ContainsFunc(source.Parameters, func(p api.HelmParameter) bool { return strings.Contains(p.Value, "$") })
}

// fileHasVariable tells a variable from the name of another source at the start:
// "$values/production.yaml".
func fileHasVariable(name string) bool {
	if ref, file, ok := strings.Cut(name, "/"); ok && strings.HasPrefix(ref, "$") {
		if _, variable := buildEnv(&Request{}, &api.Source{})[ref[1:]]; !variable {
			name = file
		}
	}
	return strings.Contains(name, "$")
}
