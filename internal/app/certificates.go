package app

import (
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"barong/internal/config"
	"barong/internal/server"
)

// OpenCertificates loads the certificate of the public listener. Without one in the settings
// it returns nil: the listener then uses plain HTTP.
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

// watchCertificates exports the expiry of the certificate in force as a metric.
func watchCertificates(registry *prometheus.Registry, certificates *server.Certificates) {
	promauto.With(registry).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "barong_tls_certificate_expiry_timestamp_seconds", Help: "When the certificate of the public listener ends.",
	}, func() float64 { return float64(certificates.Expiry().Unix()) })
}
