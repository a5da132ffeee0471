package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	esv1 "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	"github.com/external-secrets/external-secrets/pkg/esutils"
	"github.com/go-logr/logr"
)

// maxFetched bounds what one ExternalSecret may fetch, in bytes. A Secret holds
// 1 MiB; templates may leave most of it out.
const maxFetched = 8 << 20

// fetch returns the data of an ExternalSecret: spec.dataFrom in order, then
// spec.data, a later item over an earlier one, as external-secrets' controller
// has it. What the provider does not hold is an error, unless deletionPolicy
// says otherwise. Data is returned with an error, too, for hide.
func fetch(ctx context.Context, stores *stores, es *externalSecret) (map[string][]byte, error) {
	retain := es.Spec.Target.DeletionPolicy == esv1.DeletionPolicyRetain
	data := map[string][]byte{}
	for i, from := range es.Spec.DataFrom {
		items, err := fetchMany(ctx, stores, es, from)
		if err == nil {
			err = es.checkNull(itemOf("dataFrom", i), items)
		}
		data = esutils.MergeByteMap(data, items)
		if errors.Is(err, esv1.NoSecretErr) && !retain {
			continue
		}
		if err != nil {
			return data, fmt.Errorf("spec.dataFrom[%d]: %w", i, err)
		}
	}
	for i, item := range es.Spec.Data {
		value, err := fetchOne(ctx, stores, es, item)
		if errors.Is(err, esv1.NoSecretErr) && !retain {
			continue
		}
		data[item.SecretKey] = value
		if err == nil {
			err = es.checkNull(itemOf("data", i), map[string][]byte{item.SecretKey: value})
		}
		if err != nil {
			return data, fmt.Errorf("spec.data[%d] (remote key %q): %w", i, item.RemoteRef.Key, err)
		}
	}
	return data, withinLimit(data)
}

// checkNull applies nullBytePolicy Fail.
func (es *externalSecret) checkNull(place string, items map[string][]byte) error {
	if !es.refuseNull[place] {
		return nil
	}
	for key, value := range items {
		if bytes.IndexByte(value, 0) >= 0 {
			return fmt.Errorf("item %q holds a null byte, and nullBytePolicy is Fail", key)
		}
	}
	return nil
}

func withinLimit(data map[string][]byte) error {
	size := 0
	for key, value := range data {
		size += len(key) + len(value)
	}
	if size > maxFetched {
		return fmt.Errorf("the provider gave %d bytes, %d are allowed", size, maxFetched)
	}
	return nil
}

// fetchMany fetches one entry of spec.dataFrom. It returns what it has with an
// error, too.
func fetchMany(ctx context.Context, stores *stores, es *externalSecret, from esv1.ExternalSecretDataFromRemoteRef) (map[string][]byte, error) {
	if from.SourceRef != nil && from.SourceRef.GeneratorRef != nil {
		return stores.generate(ctx, from)
	}
	ref := es.Spec.SecretStoreRef
	if from.SourceRef != nil && from.SourceRef.SecretStoreRef != nil {
		ref = *from.SourceRef.SecretStoreRef
	}
	client, err := stores.client(ctx, ref)
	if err != nil {
		return nil, err
	}
	if from.Find != nil {
		items, err := client.GetAllSecrets(ctx, *from.Find)
		if err != nil {
			return nil, fmt.Errorf("find: %w", err)
		}
		return shape(items, from.Rewrite, from.Find.ConversionStrategy, from.Find.DecodingStrategy)
	}
	items, err := client.GetSecretMap(ctx, *from.Extract)
	if err != nil {
		return nil, fmt.Errorf("extract %q: %w", from.Extract.Key, err)
	}
	return shape(items, from.Rewrite, from.Extract.ConversionStrategy, from.Extract.DecodingStrategy)
}

// shape renames and decodes, in the controller's order.
func shape(in map[string][]byte, rewrite []esv1.ExternalSecretRewrite, convert esv1.ExternalSecretConversionStrategy, decode esv1.ExternalSecretDecodingStrategy) (map[string][]byte, error) {
	out, err := esutils.RewriteMap(rewrite, in)
	if err != nil {
		return in, fmt.Errorf("rewrite: %w", err)
	}
	if len(rewrite) == 0 {
		if out, err = esutils.ConvertKeys(convert, out); err != nil {
			return in, fmt.Errorf("conversionStrategy %s: %w", convert, err)
		}
	}
	if err := esutils.ValidateKeys(logr.Discard(), out); err != nil {
		return in, fmt.Errorf("names of items: %w", err)
	}
	decoded, err := esutils.DecodeMap(decode, out)
	if err != nil {
		return in, fmt.Errorf("decodingStrategy %s: %w", decode, err)
	}
	return decoded, nil
}

// fetchOne fetches one item of spec.data.
func fetchOne(ctx context.Context, stores *stores, es *externalSecret, item esv1.ExternalSecretData) ([]byte, error) {
	ref := es.Spec.SecretStoreRef
	if item.SourceRef != nil {
		ref = item.SourceRef.SecretStoreRef
	}
	client, err := stores.client(ctx, ref)
	if err != nil {
		return nil, err
	}
	value, err := client.GetSecret(ctx, item.RemoteRef)
	if err != nil {
		return nil, err
	}
	decoded, err := esutils.Decode(item.RemoteRef.DecodingStrategy, value)
	if err != nil {
		return value, fmt.Errorf("decodingStrategy %s: %w", item.RemoteRef.DecodingStrategy, err)
	}
	return decoded, nil
}
