package main

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/fleet"
	"github.com/tidelock-io/tidelock/agent/project"
	"github.com/tidelock-io/tidelock/render/manifest"
)

// agentSecret finds files with Secrets of clusters, or with what makes one.
var agentSecret = regexp.MustCompile(regexp.QuoteMeta(api.LabelSecretType) + `["']?\s*:\s*["']?(cluster|repository)\b`)

// plainSecret is a Secret as a file has it. Of what it holds only names are read.
type plainSecret struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct {
		Name   string
		Labels map[string]string
	}
	Data       map[string]string
	StringData map[string]string `yaml:"stringData"`
	SOPS       any               `yaml:"sops"`
}

// text is an entry in plain text, which must be no secret.
func (s *plainSecret) text(name string) string {
	if text, ok := s.StringData[name]; ok {
		return text
	}
	plain, err := base64.StdEncoding.DecodeString(s.Data[name])
	if err != nil {
		return ""
	}
	return string(plain)
}

// secretsOf reads what the repository's files say of clusters and repositories.
func (v *validation) secretsOf(members []*fleet.Member) (known fleet.Known) {
	var read []string // names of cluster Secrets
	for file, text := range v.files.texts {
		for _, m := range agentSecret.FindAllSubmatch(text, -1) {
			if string(m[1]) == api.SecretTypeCluster && !bytes.Contains(text, []byte("{{")) {
				continue
			}
			known.Unread = known.Unread || string(m[1]) == api.SecretTypeCluster
		}
		if agentSecret.Match(text) {
			read = append(read, readSecrets(file, text, &known)...)
		}
	}
	for _, m := range members {
		for _, o := range m.Set {
			if o.Key.Kind == "Secret" && o.Labels[api.LabelSecretType] == api.SecretTypeCluster && !slices.Contains(read, o.Key.Name) {
				known.Unread = true
			}
		}
	}
	slices.SortFunc(known.Clusters, func(a, b fleet.Cluster) int { return strings.Compare(a.Origin.String(), b.Origin.String()) })
	return known
}

// readSecrets returns the names of the cluster Secrets of a file.
func readSecrets(file string, text []byte, known *fleet.Known) (names []string) {
	for in := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var node yaml.Node
		if in.Decode(&node) != nil {
			return names
		}
		var s plainSecret
		if len(node.Content) == 0 || !agentSecret.MatchString(kindLabel(&node)) {
			continue
		}
		if node.Decode(&s) != nil || s.Kind != "Secret" || s.SOPS != nil {
			known.Unread = true
			continue
		}
		switch s.Metadata.Labels[api.LabelSecretType] {
		case api.SecretTypeCluster:
			names = append(names, s.Metadata.Name)
			known.Clusters = append(known.Clusters, clusterOf(&s, manifest.Origin{File: file, Line: node.Content[0].Line}))
		case api.SecretTypeRepository:
			known.Repositories = append(known.Repositories, fleet.Repository{URL: s.text("url"), Project: s.text("project")})
		}
	}
}

// kindLabel prints a document, to look for the label anywhere in it: a SealedSecret has
// it in its template.
func kindLabel(node *yaml.Node) string {
	text, err := yaml.Marshal(node)
	if err != nil {
		return ""
	}
	return string(text)
}

func clusterOf(s *plainSecret, at manifest.Origin) fleet.Cluster {
	c := fleet.Cluster{Cluster: project.Cluster{Server: strings.TrimRight(s.text("server"), "/"), Name: s.text("name")}, Project: s.text("project"), Origin: at}
	for name := range strings.SplitSeq(s.text("namespaces"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			c.Namespaces = append(c.Namespaces, name)
		}
	}
	return c
}
