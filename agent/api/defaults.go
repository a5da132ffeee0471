package api

import "strings"

// Defaults of Argo CD's, for fields that are absent.
const (
	DefaultProject              = "default"
	DefaultRevision             = "HEAD"
	DefaultRevisionHistoryLimit = 10
	// DefaultAutomatedRetryLimit is for automatic syncs; manual ones are not retried.
	DefaultAutomatedRetryLimit = 5
)

// The cluster that the agent runs in, by its two names. It needs no secret.
const (
	InClusterName   = "in-cluster"
	InClusterServer = "https://kubernetes.default.svc"
)

// ProjectName returns the project to check against.
func (s *ApplicationSpec) ProjectName() string {
	if s.Project == "" {
		return DefaultProject
	}
	return s.Project
}

// HistoryLimit returns how many entries of status.history to keep, never less than 0.
func (s *ApplicationSpec) HistoryLimit() int {
	if s.RevisionHistoryLimit == nil {
		return DefaultRevisionHistoryLimit
	}
	return int(max(0, *s.RevisionHistoryLimit))
}

// AllSources returns the sources that count: the hydrator's, else Sources, else Source.
// It returns none if the spec names none.
func (s *ApplicationSpec) AllSources() []Source {
	switch {
	case s.SourceHydrator != nil:
		return []Source{s.SourceHydrator.Synced()}
	case len(s.Sources) > 0:
		return s.Sources
	case s.Source != nil:
		return []Source{*s.Source}
	}
	return nil
}

// HasMultipleSources reports whether Sources counts, even if it has one entry. Status
// then speaks in revisions and sources, not in revision and source.
func (s *ApplicationSpec) HasMultipleSources() bool {
	return s.SourceHydrator == nil && len(s.Sources) > 0
}

// Synced returns the source that a hydrated application syncs from.
func (h *SourceHydrator) Synced() Source {
	repo := h.SyncSource.RepoURL
	if repo == "" {
		repo = h.DrySource.RepoURL
	}
	return Source{RepoURL: repo, Path: h.SyncSource.Path, TargetRevision: h.SyncSource.TargetBranch}
}

// Source returns the source that is rendered into the hydrated branch.
func (d *DrySource) Source() Source {
	return Source{
		RepoURL: d.RepoURL, Path: d.Path, TargetRevision: d.TargetRevision,
		Helm: d.Helm, Kustomize: d.Kustomize, Directory: d.Directory, Plugin: d.Plugin,
	}
}

// Revision returns the revision to resolve, HEAD if none is named.
func (s *Source) Revision() string {
	if s.TargetRevision == "" {
		return DefaultRevision
	}
	return s.TargetRevision
}

// IsChart reports whether the source is a chart of a Helm repository.
func (s *Source) IsChart() bool { return s.Chart != "" }

// IsOCI reports whether the source is an OCI artifact.
func (s *Source) IsOCI() bool { return strings.HasPrefix(s.RepoURL, "oci://") }

// IsRefOnly reports whether the source serves its siblings' value files only and
// yields no manifests.
func (s *Source) IsRefOnly() bool { return s.Ref != "" && s.Path == "" && s.Chart == "" }

// IsHelmAndKustomize reports whether the source has the blocks of a chain (see
// [AnnotationPostRender]), and no other.
func (s *Source) IsHelmAndKustomize() bool {
	return s.Helm != nil && s.Kustomize != nil && s.Directory == nil && s.Plugin == nil
}

// Types returns the renderers that the source names: none means that it is to be
// detected, more than one is invalid.
func (s *Source) Types() []SourceType {
	var types []SourceType
	add := func(set bool, t SourceType) {
		if set {
			types = append(types, t)
		}
	}
	add(s.Helm != nil, SourceTypeHelm)
	add(s.Kustomize != nil, SourceTypeKustomize)
	add(s.Directory != nil, SourceTypeDirectory)
	add(s.Plugin != nil, SourceTypePlugin)
	return types
}

// IsInCluster reports whether the destination is the cluster that the agent runs in.
func (d Destination) IsInCluster() bool {
	return d.Resolved().Server == InClusterServer
}

// Resolved returns the destination with the server's trailing slashes cut off and, for
// the agent's own cluster, both names filled in. Others need their secret for that. A
// destination that names both already is returned as it is: it is invalid.
func (d Destination) Resolved() Destination {
	if d.Server != "" && d.Name != "" {
		return d
	}
	d.Server = strings.TrimRight(d.Server, "/")
	if d.Server == InClusterServer || d.Name == InClusterName {
		d.Server, d.Name = InClusterServer, InClusterName
	}
	return d
}
