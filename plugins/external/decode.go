package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const mergePolicy = esv1.DeletionPolicyMerge

// maxObject bounds an object in bytes: etcd takes no larger one.
const maxObject = 2 << 20

// decode reads the ExternalSecret and sets what its CRD defaults: it comes from
// Git and has seen no API server.
func decode(req *sdk.SecretRequest) (*esv1.ExternalSecret, error) {
	es := &esv1.ExternalSecret{}
	if err := unmarshal(req.ExternalSecret, "ExternalSecret", &es.TypeMeta, &es.ObjectMeta, &es.Spec); err != nil {
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

// unmarshal reads an object of external-secrets.io, v1 or v1beta1, whose fields
// mean the same. A field of spec that is not known is an error: to leave it out
// could make another Secret than its author wants.
func unmarshal(raw []byte, kind string, typ *metav1.TypeMeta, meta *metav1.ObjectMeta, spec any) error {
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
	if version, ok := strings.CutPrefix(body.APIVersion, esv1.Group+"/"); body.Kind != kind || !ok || version != "v1" && version != "v1beta1" {
		return fmt.Errorf("%s %s is not known, %s of %s/v1 is", body.APIVersion, body.Kind, kind, esv1.Group)
	}
	in := json.NewDecoder(bytes.NewReader(body.Spec))
	in.DisallowUnknownFields()
	if err := in.Decode(spec); err != nil {
		return fmt.Errorf("%s: spec: %s (external-secrets %s)", kind, strings.TrimPrefix(err.Error(), "json: "), version)
	}
	*typ = metav1.TypeMeta{APIVersion: esv1.SchemeGroupVersion.String(), Kind: kind}
	*meta = body.Metadata
	return nil
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
		if from.SourceRef != nil && from.SourceRef.GeneratorRef != nil {
			return fmt.Errorf("spec.dataFrom[%d]: generators are not resolved", i)
		}
		if (from.Extract == nil) == (from.Find == nil) {
			return fmt.Errorf("spec.dataFrom[%d]: it needs either extract or find", i)
		}
	}
	return nil
}
