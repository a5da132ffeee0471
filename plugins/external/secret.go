package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	"github.com/external-secrets/external-secrets/pkg/controllers/templating"
	"github.com/external-secrets/external-secrets/pkg/esutils"
	"github.com/external-secrets/external-secrets/pkg/template"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// secret makes the Secret that external-secrets' controller would: its labels
// included, but without the annotation data-hash, a plain hash of the values
// that would let people who see annotations try guesses.
func secret(ctx context.Context, kube client.Client, es *externalSecret, data map[string][]byte) (*sdk.SecretResult, error) {
	out := &corev1.Secret{}
	out.Labels, out.Annotations, out.Data = map[string]string{}, map[string]string{}, map[string][]byte{}
	if err := fill(ctx, kube, es, out, data); err != nil {
		return nil, err
	}
	if es.Spec.Target.CreationPolicy == esv1.CreatePolicyOwner {
		out.Labels[esv1.LabelOwner] = esutils.ObjectHash(fmt.Sprintf("%v/%v", es.Namespace, es.Name))
	} else {
		delete(out.Labels, esv1.LabelOwner)
	}
	out.Labels[esv1.LabelManaged] = esv1.LabelManagedValue

	result := &sdk.SecretResult{
		Type: string(out.Type), Labels: out.Labels, Annotations: out.Annotations,
		Immutable: es.Spec.Target.Immutable, Data: make(map[string]sdk.Material, len(out.Data)),
	}
	for key, value := range out.Data {
		result.Data[key] = value
	}
	return result, nil
}

// fill applies spec.target.template. In rising precedence: fetched data (if the
// template merges, or makes no data), templateFrom, data.
func fill(ctx context.Context, kube client.Client, es *externalSecret, out *corev1.Secret, data map[string][]byte) error {
	t := es.Spec.Target.Template
	if t == nil {
		maps.Copy(out.Labels, es.Labels)
		maps.Copy(out.Annotations, es.Annotations)
		maps.Copy(out.Data, data)
		return nil
	}
	maps.Copy(out.Labels, t.Metadata.Labels)
	maps.Copy(out.Annotations, t.Metadata.Annotations)
	out.Type = t.Type
	if t.MergePolicy == esv1.MergePolicyMerge || len(t.Data)+len(t.TemplateFrom) == 0 {
		maps.Copy(out.Data, data)
	}
	engine, err := template.EngineForVersion(t.EngineVersion)
	if err != nil {
		return fmt.Errorf("spec.target.template: %w", err)
	}
	return execute(ctx, &templating.Parser{Exec: engine, DataMap: data, Client: kube, TargetSecret: out}, es.Namespace, t)
}

// execute runs the templates one by one, so that an error names the one.
func execute(ctx context.Context, parser *templating.Parser, namespace string, t *esv1.ExternalSecretTemplate) error {
	for i, from := range t.TemplateFrom {
		if err := executeFrom(ctx, parser, namespace, from); err != nil {
			return fmt.Errorf("spec.target.template.templateFrom[%d]: %w", i, err)
		}
	}
	for _, part := range []struct {
		field     string
		templates map[string]string
		target    esv1.TemplateTarget
	}{
		{"data", t.Data, esv1.TemplateTargetData},
		{"metadata.labels", t.Metadata.Labels, esv1.TemplateTargetLabels},
		{"metadata.annotations", t.Metadata.Annotations, esv1.TemplateTargetAnnotations},
	} {
		for _, key := range slices.Sorted(maps.Keys(part.templates)) {
			if err := parser.MergeMap(map[string]string{key: part.templates[key]}, part.target); err != nil {
				return fmt.Errorf("spec.target.template.%s: item %q: %w", part.field, key, withhold(err))
			}
		}
	}
	return nil
}

// executeFrom reads the object first, so that its absence can be told from a
// template's failure, which cannot be quoted.
func executeFrom(ctx context.Context, parser *templating.Parser, namespace string, from esv1.TemplateFrom) error {
	one := *parser
	if from.ConfigMap != nil {
		one.TemplateFromConfigMap = &corev1.ConfigMap{}
		if err := read(ctx, one.Client, namespace, from.ConfigMap.Name, one.TemplateFromConfigMap); err != nil {
			return err
		}
		if err := hasItems(from.ConfigMap, one.TemplateFromConfigMap.Data); err != nil {
			return err
		}
	}
	if from.Secret != nil {
		one.TemplateFromSecret = &corev1.Secret{}
		if err := read(ctx, one.Client, namespace, from.Secret.Name, one.TemplateFromSecret); err != nil {
			return err
		}
		if err := hasItems(from.Secret, one.TemplateFromSecret.Data); err != nil {
			return err
		}
	}
	err := one.MergeTemplateFrom(ctx, namespace, &esv1.ExternalSecretTemplate{TemplateFrom: []esv1.TemplateFrom{from}})
	if err != nil {
		return withhold(err)
	}
	return nil
}

func read(ctx context.Context, kube client.Client, namespace, name string, into client.Object) error {
	return kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, into)
}

func hasItems[V any](ref *esv1.TemplateRef, data map[string]V) error {
	for _, item := range ref.Items {
		if _, ok := data[item.Key]; !ok {
			return fmt.Errorf("%q has no item %q", ref.Name, item.Key)
		}
	}
	return nil
}
