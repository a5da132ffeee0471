package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Generator finds sets of parameters. Exactly one field but Selector is set.
type Generator struct {
	List                    *ListGenerator                    `json:"list,omitempty"`
	Clusters                *ClusterGenerator                 `json:"clusters,omitempty"`
	Git                     *GitGenerator                     `json:"git,omitempty"`
	SCMProvider             *SCMProviderGenerator             `json:"scmProvider,omitempty"`
	ClusterDecisionResource *ClusterDecisionResourceGenerator `json:"clusterDecisionResource,omitempty"`
	PullRequest             *PullRequestGenerator             `json:"pullRequest,omitempty"`
	Matrix                  *MatrixGenerator                  `json:"matrix,omitempty"`
	Merge                   *MergeGenerator                   `json:"merge,omitempty"`
	// Selector keeps only the sets of parameters that match, read as labels.
	Selector *metav1.LabelSelector `json:"selector,omitempty"`
	Plugin   *PluginGenerator      `json:"plugin,omitempty"`
}

// Children are the generators within a matrix or merge.
func (g *Generator) Children() []NestedGenerator {
	switch {
	case g.Matrix != nil:
		return g.Matrix.Generators
	case g.Merge != nil:
		return g.Merge.Generators
	}
	return nil
}

// ListGenerator yields its elements.
type ListGenerator struct {
	Elements []AnyJSON `json:"elements,omitzero"`
	// Template, here and in the other generators, is laid over the set's own for
	// this generator's parameters.
	Template *ApplicationSetTemplate `json:"template,omitempty"`
	// ElementsYaml is a list of more elements, as YAML.
	ElementsYaml string `json:"elementsYaml,omitempty"`
}

// MatrixGenerator yields each pair of what its two children yield.
type MatrixGenerator struct {
	Generators []NestedGenerator       `json:"generators"`
	Template   *ApplicationSetTemplate `json:"template,omitempty"`
}

// MergeGenerator yields what its first child yields, with the parameters of the others
// laid over where all MergeKeys are equal.
type MergeGenerator struct {
	Generators []NestedGenerator       `json:"generators"`
	MergeKeys  []string                `json:"mergeKeys"`
	Template   *ApplicationSetTemplate `json:"template,omitempty"`
}

// NestedGenerator is a [Generator] not decoded yet, since a schema cannot hold itself.
// [NestedGenerator.Decode] returns it.
type NestedGenerator struct {
	runtime.RawExtension `json:",inline"`
}

// ClusterGenerator yields the clusters whose secrets match.
type ClusterGenerator struct {
	// Selector is over the labels of cluster secrets; if empty, the agent's own
	// cluster, which may have no secret, is yielded as well.
	Selector metav1.LabelSelector    `json:"selector,omitzero"`
	Template *ApplicationSetTemplate `json:"template,omitempty"`
	// Values, here and in the other generators, are more parameters, named values.<key>.
	Values map[string]string `json:"values,omitempty"`
	// FlatList yields one set with a parameter "clusters" that lists them all.
	FlatList bool `json:"flatList,omitempty"`
}

// ClusterDecisionResourceGenerator yields the clusters that another controller's
// object lists in its status.
type ClusterDecisionResourceGenerator struct {
	// ConfigMapRef names the ConfigMap that says which kind to read, and how.
	ConfigMapRef        string                  `json:"configMapRef"`
	Name                string                  `json:"name,omitempty"`
	RequeueAfterSeconds *int64                  `json:"requeueAfterSeconds,omitempty"`
	LabelSelector       metav1.LabelSelector    `json:"labelSelector,omitzero"`
	Template            *ApplicationSetTemplate `json:"template,omitempty"`
	Values              map[string]string       `json:"values,omitempty"`
}

// GitGenerator yields the directories of a repository, or the content of its files.
type GitGenerator struct {
	RepoURL     string          `json:"repoURL"`
	Directories []GitPathFilter `json:"directories,omitempty"`
	Files       []GitPathFilter `json:"files,omitempty"`
	Revision    string          `json:"revision"`
	// RequeueAfterSeconds, here and in the other generators, is the time between two
	// looks; nil is the agent's default.
	RequeueAfterSeconds *int64                  `json:"requeueAfterSeconds,omitempty"`
	Template            *ApplicationSetTemplate `json:"template,omitempty"`
	// PathParamPrefix is put before the names of the path parameters.
	PathParamPrefix string            `json:"pathParamPrefix,omitempty"`
	Values          map[string]string `json:"values,omitempty"`
}

// GitPathFilter is a glob over paths. Exclude beats any that includes.
type GitPathFilter struct {
	Path    string `json:"path"`
	Exclude bool   `json:"exclude,omitempty"`
}

// PluginGenerator yields what a service answers.
type PluginGenerator struct {
	ConfigMapRef        PluginConfigMapRef      `json:"configMapRef"`
	Input               PluginInput             `json:"input,omitzero"`
	RequeueAfterSeconds *int64                  `json:"requeueAfterSeconds,omitempty"`
	Template            *ApplicationSetTemplate `json:"template,omitempty"`
	Values              map[string]string       `json:"values,omitempty"`
}

// PluginConfigMapRef names the ConfigMap that holds the service's address.
type PluginConfigMapRef struct {
	Name string `json:"name"`
}

// PluginInput is what the service is asked.
type PluginInput struct {
	Parameters map[string]AnyJSON `json:"parameters,omitempty"`
}
