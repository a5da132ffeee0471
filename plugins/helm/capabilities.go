package helm

import (
	"fmt"
	"slices"

	"helm.sh/helm/v4/pkg/chart/common"
)

// libraryVersion is that of helm whose library this is. A library knows no more
// of its version than the minor one.
const libraryVersion = "v4.3.1"

// knownVersions are the API versions that helm itself knows. `helm template`
// has them always, so that a chart finds networking.k8s.io/v1 without a cluster.
var knownVersions = slices.Clone(common.DefaultVersionSet)

// capabilities describe the destination, or what the options put in its place.
func (r *rendering) capabilities() (*common.Capabilities, error) {
	text := r.req.KubeVersion
	if r.options.KubeVersion != "" {
		text = r.options.KubeVersion
	}
	version, err := common.ParseKubeVersion(text)
	if err != nil {
		return nil, fmt.Errorf("helm.kubeVersion %q is no version; write it like 1.37.2", text)
	}
	extra := r.req.APIVersions
	if len(r.options.APIVersions) > 0 {
		extra = r.options.APIVersions
	}
	c := common.DefaultCapabilities.Copy()
	c.KubeVersion = *version
	c.APIVersions = slices.Concat(knownVersions, extra)
	slices.Sort(c.APIVersions)
	c.APIVersions = slices.Compact(c.APIVersions)
	c.HelmVersion.Version = libraryVersion
	return c, nil
}
