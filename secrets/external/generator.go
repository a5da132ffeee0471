package external

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// generatorRef is spec.dataFrom[].sourceRef.generatorRef.
type generatorRef struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
}

// GeneratorGroup is that of the objects which say how values are made.
const GeneratorGroup = "generators.external-secrets.io"

const (
	generatorVersion     = GeneratorGroup + "/v1alpha1"
	clusterGeneratorKind = "ClusterGenerator"
)

// generators are the kinds that the plugin knows. The others ask a service for
// credentials that expire, and keep state that only their controller has.
var generators = []string{"Fake", "Password", "SSHKey", "UUID"}

// IsGenerator reports whether a kind of GeneratorGroup is one that is resolved.
func IsGenerator(kind string) bool {
	return kind == clusterGeneratorKind || slices.Contains(generators, kind)
}

func (s source) generator() *generatorRef {
	if s.SourceRef == nil {
		return nil
	}
	return s.SourceRef.GeneratorRef
}

// generates says that a fetch makes new values.
func (s *spec) generates() bool {
	return slices.ContainsFunc(s.DataFrom, func(from source) bool { return from.generator() != nil })
}

// admitGenerator reads a generator for the plugin.
func (g *guard) admitGenerator(ctx context.Context, from generatorRef) error {
	if from.APIVersion != "" && from.APIVersion != generatorVersion {
		return fmt.Errorf("%w: apiVersion %q is not known, %s is", ErrInvalid, from.APIVersion, generatorVersion)
	}
	if !IsGenerator(from.Kind) {
		return fmt.Errorf("%w: of generators, only %s and %s are", ErrUnsupported, strings.Join(generators, ", "), clusterGeneratorKind)
	}
	at := g.generatorKey(from)
	raw, err := g.readGenerator(ctx, at)
	if err != nil {
		return err
	}
	var body struct {
		Spec struct {
			Kind       string `json:"kind"`
			Controller string `json:"controller"`
			Generator  map[string]struct {
				Controller string `json:"controller"`
			} `json:"generator"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	controllers := []string{body.Spec.Controller}
	for _, nested := range body.Spec.Generator {
		controllers = append(controllers, nested.Controller)
	}
	for _, controller := range controllers {
		if controller != "" {
			return fmt.Errorf("%w: it is for the controller %q (spec.controller)", ErrRefused, controller)
		}
	}
	if from.Kind == clusterGeneratorKind && !slices.Contains(generators, body.Spec.Kind) {
		return fmt.Errorf("%w: its spec.kind is %q, only %s are", ErrUnsupported, body.Spec.Kind, strings.Join(generators, ", "))
	}
	g.stores[at] = raw
	return nil
}

func (g *guard) generatorKey(from generatorRef) ref {
	if from.Kind == clusterGeneratorKind {
		return ref{from.Kind, "", from.Name}
	}
	return ref{from.Kind, g.namespace, from.Name}
}

// readGenerator takes the generator of the render before the cluster's.
func (g *guard) readGenerator(ctx context.Context, at ref) (json.RawMessage, error) {
	for _, o := range g.render {
		if o.Key.Group == GeneratorGroup && o.Key.Kind == at.kind && o.Key.Name == at.name && (at.namespace == "" || o.Key.Namespace == at.namespace) {
			return o.JSON(), nil
		}
	}
	raw, err := g.read(ctx, generatorVersion, at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: neither this render nor the cluster has it", err)
	}
	return raw, err
}
