package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// versions are those of external-secrets.io that are read.
var versions = []string{"v1", "v1beta1", "v1alpha1"}

const mergePolicy = esv1.DeletionPolicyMerge

// maxObject bounds an object in bytes: etcd takes no larger one.
const maxObject = 2 << 20

// externalSecret is an ExternalSecret as this release of external-secrets knows
// it, and what a later one added.
type externalSecret struct {
	*esv1.ExternalSecret
	// refuseNull has the places in spec whose nullBytePolicy is Fail.
	refuseNull map[string]bool
}

// decode reads the ExternalSecret and sets what its CRD defaults: it comes from
// Git and has seen no API server.
func decode(req *sdk.SecretRequest) (*externalSecret, error) {
	es := &externalSecret{ExternalSecret: &esv1.ExternalSecret{}}
	convert := func(version string, spec map[string]any) (err error) {
		if es.refuseNull, err = takeNewer(spec); err != nil || version != "v1alpha1" {
			return err
		}
		return upgrade(spec)
	}
	if err := unmarshal(req.ExternalSecret, "ExternalSecret", &es.TypeMeta, &es.ObjectMeta, &es.Spec, convert); err != nil {
		return nil, err
	}
	if es.Namespace == "" {
		es.Namespace = req.Namespace
	}
	if es.Namespace != req.Namespace {
		return nil, fmt.Errorf("the ExternalSecret is of namespace %q, the request of %q", es.Namespace, req.Namespace)
	}
	defaultSpec(&es.Spec)
	return es, checkSpec(&es.Spec)
}

// unmarshal reads an object of external-secrets.io, v1 or an older version, whose
// fields mean the same. A field of spec that is not known is an error: to leave
// it out could make another Secret than its author wants. Convert, if any, may
// change the spec before.
func unmarshal(raw []byte, kind string, typ *metav1.TypeMeta, meta *metav1.ObjectMeta, spec any, convert func(version string, spec map[string]any) error) error {
	if len(raw) > maxObject {
		return fmt.Errorf("%s: %d bytes, %d are allowed", kind, len(raw), maxObject)
	}
	var body struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        metav1.ObjectMeta `json:"metadata"`
		Spec            json.RawMessage   `json:"spec"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return fmt.Errorf("%s: malformed: %w", kind, err)
	}
	of, isOurs := strings.CutPrefix(body.APIVersion, esv1.Group+"/")
	if body.Kind != kind || !isOurs || !slices.Contains(versions, of) {
		return fmt.Errorf("%s %s is not known, %s of %s/v1 is", body.APIVersion, body.Kind, kind, esv1.Group)
	}
	if convert != nil {
		converted, err := convertSpec(body.Spec, of, convert)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		body.Spec = converted
	}
	if err := strictly(body.Spec, spec); err != nil {
		return fmt.Errorf("%s: spec: %w", kind, err)
	}
	*typ = metav1.TypeMeta{APIVersion: esv1.SchemeGroupVersion.String(), Kind: kind}
	*meta = body.Metadata
	return nil
}

// strictly decodes raw, whose fields must all be known.
func strictly(raw json.RawMessage, into any) error {
	in := json.NewDecoder(bytes.NewReader(raw))
	in.DisallowUnknownFields()
	if err := in.Decode(into); err != nil {
		return fmt.Errorf("%s (external-secrets %s)", strings.TrimPrefix(err.Error(), "json: "), version)
	}
	return nil
}

func convertSpec(raw json.RawMessage, version string, convert func(string, map[string]any) error) (json.RawMessage, error) {
	var spec map[string]any
	if err := json.Unmarshal(raw, &spec); err != nil {
		return nil, fmt.Errorf("spec: malformed: %w", err)
	}
	if spec == nil {
		return raw, nil
	}
	if err := convert(version, spec); err != nil {
		return nil, err
	}
	return json.Marshal(spec)
}

// defaultSpec sets what the CRD does.
func defaultSpec(spec *esv1.ExternalSecretSpec) {
	orElse(&spec.Target.CreationPolicy, esv1.CreatePolicyOwner)
	orElse(&spec.Target.DeletionPolicy, esv1.DeletionPolicyRetain)
	for i := range spec.Data {
		defaultRemoteRef(&spec.Data[i].RemoteRef)
	}
	for i := range spec.DataFrom {
		from := &spec.DataFrom[i]
		if from.Extract != nil {
			defaultRemoteRef(from.Extract)
		}
		if from.Find != nil {
			orElse(&from.Find.ConversionStrategy, esv1.ExternalSecretConversionDefault)
			orElse(&from.Find.DecodingStrategy, esv1.ExternalSecretDecodeNone)
		}
		for _, rewrite := range from.Rewrite {
			if rewrite.Merge != nil {
				orElse(&rewrite.Merge.PriorityPolicy, esv1.ExternalSecretRewriteMergePriorityPolicyStrict)
				orElse(&rewrite.Merge.ConflictPolicy, esv1.ExternalSecretRewriteMergeConflictPolicyError)
				orElse(&rewrite.Merge.Strategy, esv1.ExternalSecretRewriteMergeStrategyExtract)
			}
		}
	}
	if spec.Target.Template != nil {
		defaultTemplate(spec.Target.Template)
	}
}

func defaultRemoteRef(ref *esv1.ExternalSecretDataRemoteRef) {
	orElse(&ref.ConversionStrategy, esv1.ExternalSecretConversionDefault)
	orElse(&ref.DecodingStrategy, esv1.ExternalSecretDecodeNone)
	orElse(&ref.MetadataPolicy, esv1.ExternalSecretMetadataPolicyNone)
}

func defaultTemplate(t *esv1.ExternalSecretTemplate) {
	orElse(&t.EngineVersion, esv1.TemplateEngineV2)
	orElse(&t.MergePolicy, esv1.MergePolicyReplace)
	for i := range t.TemplateFrom {
		from := &t.TemplateFrom[i]
		orElse(&from.Target, esv1.TemplateTargetData)
		for _, ref := range []*esv1.TemplateRef{from.ConfigMap, from.Secret} {
			if ref == nil {
				continue
			}
			for j := range ref.Items {
				orElse(&ref.Items[j].TemplateAs, esv1.TemplateScopeValues)
			}
		}
	}
}

// orElse sets *value if it is zero.
func orElse[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// checkSpec refuses what its CRD or webhook would, where the code would pass
// over it in silence.
func checkSpec(spec *esv1.ExternalSecretSpec) error {
	if len(spec.Data)+len(spec.DataFrom) == 0 {
		return errors.New("spec: it has neither data nor dataFrom")
	}
	for i, item := range spec.Data {
		if item.SecretKey == "" || item.RemoteRef.Key == "" {
			return fmt.Errorf("spec.data[%d]: it needs secretKey and remoteRef.key", i)
		}
	}
	for i, from := range spec.DataFrom {
		if sources(from) != 1 {
			return fmt.Errorf("spec.dataFrom[%d]: it needs either extract or find or sourceRef.generatorRef", i)
		}
	}
	return nil
}

func sources(from esv1.ExternalSecretDataFromRemoteRef) (n int) {
	for _, has := range []bool{from.Extract != nil, from.Find != nil, from.SourceRef != nil && from.SourceRef.GeneratorRef != nil} {
		if has {
			n++
		}
	}
	return n
}
