#include "serving/config/ip_network.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace forkcast::serving {
namespace {

struct HoldsCase {
  const char* name;
  const char* network;
  const char* address;
  bool holds;
};
void PrintTo(const HoldsCase& one, std::ostream* out) { *out << one.name; }

class Network : public testing::TestWithParam<HoldsCase> {};

TEST_P(Network, HoldsWhatBeginsLikeIt) {
  const auto network = ParseIpNetwork(GetParam().network);
  ASSERT_TRUE(network.ok()) << network.error().message;
  const auto address = ParseIpAddress(GetParam().address);
  ASSERT_TRUE(address);
  EXPECT_EQ(network->Holds(*address), GetParam().holds);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Network,
    testing::Values(HoldsCase{"TheAddressItself", "10.0.0.1", "10.0.0.1", true},
                    HoldsCase{"NoOtherAddress", "10.0.0.1", "10.0.0.2", false},
                    HoldsCase{"FirstOfANetwork", "10.0.0.0/8", "10.0.0.0", true},
                    HoldsCase{"LastOfANetwork", "10.0.0.0/8", "10.255.255.255", true},
                    HoldsCase{"BehindANetwork", "10.0.0.0/8", "11.0.0.0", false},
                    HoldsCase{"LastWithinAByte", "172.16.0.0/12", "172.31.255.255", true},
                    HoldsCase{"BehindWithinAByte", "172.16.0.0/12", "172.32.0.0", false},
                    HoldsCase{"AllOfIPv4", "0.0.0.0/0", "192.0.2.1", true},
                    HoldsCase{"NoIPv6InIPv4", "0.0.0.0/0", "2001:db8::1", false},
                    HoldsCase{"IPv6", "2001:db8::/32", "2001:db8:ffff::1", true},
                    HoldsCase{"BehindIPv6", "2001:db8::/32", "2001:db9::", false},
                    HoldsCase{"IPv4ThatAnIPv6SocketTells", "10.0.0.0/8", "::ffff:10.1.2.3", true}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(TrustedProxies, AreUnixSocketsAloneUnlessToldOtherwise) {
  const TrustedProxies usual;
  EXPECT_TRUE(usual.Trust(""));
  EXPECT_FALSE(usual.Trust("127.0.0.1"));
  const TrustedProxies told{.unix_sockets = false, .networks = {ParseIpNetwork("::1").value()}};
  EXPECT_FALSE(told.Trust(""));
  EXPECT_TRUE(told.Trust("::1"));
}

}  // namespace
}  // namespace forkcast::serving
