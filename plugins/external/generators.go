package main

import (
	"context"
	"fmt"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	genv1alpha1 "github.com/external-secrets/external-secrets/apis/generators/v1alpha1"
	"github.com/external-secrets/external-secrets/pkg/esutils"
	"github.com/external-secrets/external-secrets/pkg/esutils/resolvers"
	"github.com/go-logr/logr"
)

// generate makes new values. Whether it is time for new ones, the host has
// decided, which keeps those that were made.
func (s *stores) generate(ctx context.Context, from esv1.ExternalSecretDataFromRemoteRef) (map[string][]byte, error) {
	ref := *from.SourceRef.GeneratorRef
	orElse(&ref.APIVersion, genv1alpha1.SchemeGroupVersion.String())
	generator, spec, err := resolvers.GeneratorRef(ctx, s.kube, s.kube.Scheme(), s.namespace, &ref)
	if err != nil {
		return nil, fmt.Errorf("generator %s %q: %w", ref.Kind, ref.Name, err)
	}
	made, _, err := generator.Generate(ctx, spec, s.kube, s.namespace)
	if err != nil {
		return nil, fmt.Errorf("generator %s %q: %w", ref.Kind, ref.Name, err)
	}
	out, err := esutils.RewriteMap(from.Rewrite, made)
	if err != nil {
		return made, fmt.Errorf("rewrite: %w", err)
	}
	if err := esutils.ValidateKeys(logr.Discard(), out); err != nil {
		return made, fmt.Errorf("names of items: %w", err)
	}
	return out, nil
}
