package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"barong/internal/eventapi"
)

const (
	dialTimeout  = 5 * time.Second
	openTimeout  = 10 * time.Second // from the first byte to the open connection
	closeTimeout = time.Second
	storeTimeout = 3 * time.Second // for storing the cursor and giving the lease back at the end
	heartbeat    = 10 * time.Second
)

// connection is a channel in confirm mode to a broker that has both exchanges.
type connection struct {
	conn     *amqp.Connection
	channel  *amqp.Channel
	closed   chan *amqp.Error
	returned chan amqp.Return
}

// connect opens a connection and declares the exchanges.
func connect(ctx context.Context, url string, durable bool) (*connection, error) {
	conn, err := amqp.DialConfig(url, amqp.Config{
		Heartbeat:  heartbeat,
		Properties: amqp.Table{"product": "barong", "connection_name": "barong events"},
		Dial: func(network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, address)
			if err == nil {
				err = conn.SetDeadline(time.Now().Add(openTimeout))
			}
			return boundedConn{conn}, err
		},
	})
	if err != nil {
		return nil, fmt.Errorf("the broker cannot be reached: %w", err)
	}
	c := &connection{conn: conn}
	if err = c.open(durable); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// boundedConn limits the time of each write: a broker that is short of memory stops reading.
type boundedConn struct{ net.Conn }

func (c boundedConn) Write(content []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(DefaultPace.Silence)); err != nil {
		return 0, err
	}
	return c.Conn.Write(content)
}

func (c *connection) open(durable bool) error {
	for _, exchange := range []string{eventapi.ModelExchange, eventapi.SystemExchange} {
		if err := c.declare(exchange, durable); err != nil {
			return fmt.Errorf("the exchange %s: %w", exchange, err)
		}
	}
	channel, err := c.conn.Channel()
	if err != nil {
		return err
	}
	c.channel = channel
	// The channels have room for what a window can bring, so that the reader of the connection never waits.
	c.closed = channel.NotifyClose(make(chan *amqp.Error, 1))
	c.returned = channel.NotifyReturn(make(chan amqp.Return, 2*maxWindow))
	return channel.Confirm(false)
}

// declare takes an exchange as it is, or creates it: Barong's consumers differ in whether it is durable,
// and declaring it in another way than it is ends the channel.
func (c *connection) declare(exchange string, durable bool) error {
	channel, err := c.conn.Channel()
	if err != nil {
		return err
	}
	err = channel.ExchangeDeclarePassive(exchange, amqp.ExchangeDirect, durable, false, false, false, nil)
	if refused, ok := errors.AsType[*amqp.Error](err); ok && refused.Code == amqp.NotFound {
		if channel, err = c.conn.Channel(); err != nil { // the refusal has closed the first one
			return err
		}
		err = channel.ExchangeDeclare(exchange, amqp.ExchangeDirect, durable, false, false, false, nil)
	}
	return errors.Join(err, channel.Close())
}

func (c *connection) close() { _ = c.conn.CloseDeadline(time.Now().Add(closeTimeout)) }
