package app

import (
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"barong/internal/config"
	"barong/internal/server"
)

// OpenCertificates reads the certificate of the public listener. It is nil where the settings
// name none: the listener then speaks plain HTTP.
func OpenCertificates(c config.Config, log *slog.Logger) (*server.Certificates, error) {
	if c.TLSCert == "" {
		return nil, nil //nolint:nilnil // as documented
	}
	certificates, err := server.OpenCertificates(c.TLSCert, c.TLSKey, c.TLSClientCA, log)
	if err != nil {
		return nil, fmt.Errorf("BARONG_TLS_CERT, BARONG_TLS_KEY, BARONG_TLS_CLIENT_CA: %w", err)
	}
	return certificates, nil
}

// watchCertificates exposes when the certificate in force ends.
func watchCertificates(registry *prometheus.Registry, certificates *server.Certificates) {
	promauto.With(registry).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "barong_tls_certificate_expiry_timestamp_seconds", Help: "When the certificate of the public listener ends.",
	}, func() float64 { return float64(certificates.Expiry().Unix()) })
}
