#include "serving/http/client_address.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace forkcast::serving {
namespace {

TrustedProxies Trusted() {
  return {.networks = {ParseIpNetwork("10.0.0.0/8").value(), ParseIpNetwork("fd00::/8").value()}};
}

struct ClientCase {
  const char* name;
  const char* peer;
  Forwarding said;
  const char* client;
};
void PrintTo(const ClientCase& one, std::ostream* out) { *out << one.name; }

class Client : public testing::TestWithParam<ClientCase> {};

TEST_P(Client, IsTheLastThatATrustedProxyNames) {
  EXPECT_EQ(ClientAddress(GetParam().peer, GetParam().said, Trusted()), GetParam().client);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Client,
    testing::Values(
        ClientCase{"PeerWhereNothingIsSaid", "10.0.0.1", {}, "10.0.0.1"},
        ClientCase{"NobodyBehindAUnixSocket", "", {}, ""},
        ClientCase{"OfAProxy", "10.0.0.1", {.forwarded_for = "192.0.2.7"}, "192.0.2.7"},
        ClientCase{"OfAUnixSocket", "", {.forwarded_for = "192.0.2.7"}, "192.0.2.7"},
        ClientCase{
            "PeerThatIsNotTrusted", "192.0.2.1", {.forwarded_for = "192.0.2.7"}, "192.0.2.1"},
        ClientCase{
            "ThroughTwoProxies", "10.0.0.1", {.forwarded_for = "192.0.2.7, 10.0.0.2"}, "192.0.2.7"},
        ClientCase{"NotWhatTheClientWroteItself",
                   "10.0.0.1",
                   {.forwarded_for = "127.0.0.1, 192.0.2.7"},
                   "192.0.2.7"},
        ClientCase{
            "FirstOfProxiesAlone", "10.0.0.1", {.forwarded_for = "10.0.0.3,10.0.0.2"}, "10.0.0.3"},
        ClientCase{"WithPort", "", {.forwarded_for = "192.0.2.7:4711"}, "192.0.2.7"},
        ClientCase{"IPv6", "fd00::1", {.forwarded_for = "2001:db8::7"}, "2001:db8::7"},
        ClientCase{"IPv6WithPort", "", {.forwarded_for = "[2001:db8::7]:4711"}, "2001:db8::7"},
        ClientCase{"ProxyThatHidesIt", "10.0.0.1", {.forwarded_for = "unknown"}, "10.0.0.1"},
        ClientCase{
            "NothingBetweenCommas", "10.0.0.1", {.forwarded_for = "192.0.2.7,,"}, "10.0.0.1"},
        ClientCase{"OpenBracket", "10.0.0.1", {.forwarded_for = "["}, "10.0.0.1"},
        ClientCase{"ForwardedByRfc7239",
                   "",
                   {.forwarded = "for=192.0.2.7;proto=http;by=10.0.0.1, for=10.0.0.2"},
                   "192.0.2.7"},
        ClientCase{"ForwardedQuoted",
                   "",
                   {.forwarded = "Proto=http; For=\"[2001:db8::7]:4711\""},
                   "2001:db8::7"},
        ClientCase{"ForwardedWithoutFor", "10.0.0.1", {.forwarded = "proto=http"}, "10.0.0.1"},
        ClientCase{"ForwardedHidden", "10.0.0.1", {.forwarded = "for=_mystery"}, "10.0.0.1"},
        ClientCase{"ListBeforeForwarded",
                   "",
                   {.forwarded_for = "192.0.2.7", .forwarded = "for=192.0.2.8"},
                   "192.0.2.7"}),
    [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace forkcast::serving
