package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tidelock-io/tidelock/agent/api"
	"github.com/tidelock-io/tidelock/agent/appset"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// knownClusters are those that can be known without asking one.
type knownClusters struct {
	clusters  []appset.Cluster
	encrypted []string // files with the Secret of one that cannot be read
}

// given are the clusters of the command line.
func (o *setOptions) given() (*knownClusters, error) {
	known := &knownClusters{}
	for _, text := range o.clusters {
		cluster, err := parseCluster(text)
		if err != nil {
			return nil, fmt.Errorf("--cluster %s: %w", text, err)
		}
		known.clusters = append(known.clusters, cluster)
	}
	for _, file := range o.files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--clusters: %w", err)
		}
		before := len(known.clusters)
		known.add(file, text)
		if len(known.clusters) == before {
			return nil, fmt.Errorf("--clusters %s: it has no Secret of a cluster, with the label %s: %s, that can be read", file, api.LabelSecretType, api.SecretTypeCluster)
		}
	}
	return known, nil
}

// parseCluster reads NAME=SERVER[,LABEL=VALUE...].
func parseCluster(text string) (appset.Cluster, error) {
	parts := strings.Split(text, ",")
	name, server, ok := strings.Cut(parts[0], "=")
	if !ok || name == "" || !strings.Contains(server, "://") {
		return appset.Cluster{}, errors.New("give NAME=SERVER, as in eu=https://eu.example.com, and labels behind commas")
	}
	c := appset.Cluster{Name: name, Server: server, Labels: map[string]string{api.LabelSecretType: api.SecretTypeCluster}}
	for _, label := range parts[1:] {
		key, value, ok := strings.Cut(label, "=")
		if !ok || key == "" {
			return appset.Cluster{}, fmt.Errorf("%q is no label: give LABEL=VALUE", label)
		}
		c.Labels[key] = value
	}
	return c, nil
}

// isClusterSecret is what a file with one has.
func isClusterSecret(text []byte) bool {
	return bytes.Contains(text, []byte(api.LabelSecretType)) && bytes.Contains(text, []byte(api.SecretTypeCluster))
}

// A clusterSecret is no more of a Secret than says which cluster it is of: how to log in
// is not read.
type clusterSecret struct {
	Kind     string
	Metadata struct{ Labels, Annotations map[string]string }
	Data     clusterNames
	// StringData counts before Data.
	StringData clusterNames `yaml:"stringData"`
}

type clusterNames struct{ Name, Server, Project string }

// add takes over the clusters of a file.
func (k *knownClusters) add(file string, text []byte) {
	for in := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var s clusterSecret
		err := in.Decode(&s)
		if errors.Is(err, io.EOF) || err != nil && s.Kind == "" {
			return // what is wrong with the file is told elsewhere
		}
		if s.Metadata.Labels[api.LabelSecretType] != api.SecretTypeCluster || s.Kind != "Secret" && s.Kind != "SealedSecret" {
			continue
		}
		if cluster, ok := s.cluster(); ok {
			k.clusters = append(k.clusters, cluster)
		} else {
			k.encrypted = append(k.encrypted, file)
		}
	}
}

// cluster is false if what it is called cannot be read.
func (s *clusterSecret) cluster() (appset.Cluster, bool) {
	c := appset.Cluster{Labels: s.Metadata.Labels, Annotations: s.Metadata.Annotations}
	readable := true
	item := func(plain, encoded string) string {
		if plain != "" {
			readable = readable && !strings.HasPrefix(plain, "ENC[")
			return plain
		}
		text, err := base64.StdEncoding.DecodeString(encoded)
		readable = readable && err == nil
		return string(text)
	}
	c.Name = item(s.StringData.Name, s.Data.Name)
	c.Server = item(s.StringData.Server, s.Data.Server)
	c.Project = item(s.StringData.Project, s.Data.Project)
	return c, readable && c.Name != "" && c.Server != ""
}

// clustersIn finds the Secrets of clusters in a tree.
func clustersIn(ctx context.Context, tree fs.FS, known *knownClusters) error {
	wanted := func(at string) bool { return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(at)) }
	_, err := walk.Files(ctx, tree, ".", walk.Options{Wanted: wanted}, func(at string, text []byte) error {
		if isClusterSecret(text) {
			known.add(at, text)
		}
		return nil
	})
	return err
}
