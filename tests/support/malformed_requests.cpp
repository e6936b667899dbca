#include "support/malformed_requests.hpp"

namespace forkcast {
namespace {

using namespace std::string_literals;  // some bytes are NUL

/// Collects the cases, most of which are refused alike.
class Cases {
 public:
  void Bad(std::string name, std::string bytes) {
    Add(std::move(name), std::move(bytes), 400, "bad_request");
  }
  void NotImplemented(std::string name, std::string bytes) {
    Add(std::move(name), std::move(bytes), 501, "not_implemented");
  }
  void WrongVersion(std::string name, std::string bytes) {
    Add(std::move(name), std::move(bytes), 505, "version_not_supported");
  }
  void TooLargeHeader(std::string name, std::string bytes) {
    Add(std::move(name), std::move(bytes), 431, "header_too_large");
  }
  void TooLargeBody(std::string name, std::string bytes) {
    Add(std::move(name), std::move(bytes), 413, "too_large");
  }
  void Unexpected(std::string name, std::string bytes) {
    Add(std::move(name), std::move(bytes), 417, "expectation_failed");
  }
  [[nodiscard]] std::vector<MalformedRequest> Take() { return std::move(cases_); }

 private:
  void Add(std::string name, std::string bytes, int status, std::string_view code) {
    cases_.push_back(
        {.name = std::move(name), .bytes = std::move(bytes), .status = status, .code = code});
  }

  std::vector<MalformedRequest> cases_;
};

/// A request that is well but for its first line.
std::string FirstLine(const std::string& line) { return line + "\r\nHost: a\r\n\r\n"; }

std::string Target(const std::string& target) { return FirstLine("GET " + target + " HTTP/1.1"); }

std::string Host(const std::string& host) {
  return "GET /ping HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

/// A request with further header lines, each ended as it likes.
std::string Get(const std::string& lines) {
  return "GET /ping HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

/// A request whose header ends, and whose body begins, within `rest`.
std::string Post(const std::string& rest) {
  return "POST /invocations HTTP/1.1\r\nHost: a\r\n" + rest;
}

std::string Length(const std::string& length) {
  return Post("Content-Length: " + length + "\r\n\r\nhello");
}

std::string Encoding(const std::string& encoding) {
  return Post("Transfer-Encoding: " + encoding + "\r\n\r\n0\r\n\r\n");
}

std::string Chunked(const std::string& body) {
  return Post("Transfer-Encoding: chunked\r\n\r\n" + body);
}

/// A chunk of five bytes under `header`, and the last one.
std::string Chunk(const std::string& header) { return Chunked(header + "\r\nhello\r\n0\r\n\r\n"); }

std::string Trailer(const std::string& lines) {
  return Chunked("5\r\nhello\r\n0\r\n" + lines + "\r\n");
}

void AddFirstLines(Cases& cases) {
  cases.Bad("NotHttp", "hello\r\n\r\n");
  cases.Bad("TlsHandshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\r\n\r\n"s);
  cases.Bad("NulBeforeTheMethod", FirstLine("\0GET /ping HTTP/1.1"s));
  cases.Bad("BlankBeforeTheMethod", FirstLine(" GET /ping HTTP/1.1"));
  cases.Bad("TabBeforeTheMethod", FirstLine("\tGET /ping HTTP/1.1"));
  cases.Bad("MethodWithColon", FirstLine("GE:T /ping HTTP/1.1"));
  cases.Bad("MethodInBrackets", FirstLine("(GET) /ping HTTP/1.1"));
  cases.Bad("MethodBeyondAscii", FirstLine("G\xC3\x89T /ping HTTP/1.1"));
  cases.Bad("MethodAlone", FirstLine("GET"));
  cases.Bad("TabBehindTheMethod", FirstLine("GET\t/ping HTTP/1.1"));
  cases.Bad("TwoBlanksBehindTheMethod", FirstLine("GET  /ping HTTP/1.1"));
  cases.Bad("NoTarget", FirstLine("GET HTTP/1.1"));
  cases.Bad("NoVersion", FirstLine("GET /ping"));
  cases.Bad("TabBehindTheTarget", FirstLine("GET /ping\tHTTP/1.1"));
  cases.WrongVersion("TwoBlanksBehindTheTarget", FirstLine("GET /ping  HTTP/1.1"));
  cases.WrongVersion("BlankBehindTheVersion", FirstLine("GET /ping HTTP/1.1 "));
  cases.WrongVersion("WordBehindTheVersion", FirstLine("GET /ping HTTP/1.1 x"));
  cases.WrongVersion("Version09", FirstLine("GET /ping HTTP/0.9"));
  cases.WrongVersion("Version1Point2", FirstLine("GET /ping HTTP/1.2"));
  cases.WrongVersion("Version1Point10", FirstLine("GET /ping HTTP/1.10"));
  cases.WrongVersion("Version01Point1", FirstLine("GET /ping HTTP/01.1"));
  cases.WrongVersion("Version1Point1Point1", FirstLine("GET /ping HTTP/1.1.1"));
  cases.WrongVersion("Version2", FirstLine("GET /ping HTTP/2.0"));
  cases.WrongVersion("VersionWithoutMinor", FirstLine("GET /ping HTTP/1"));
  cases.WrongVersion("VersionWithComma", FirstLine("GET /ping HTTP/1,1"));
  cases.WrongVersion("VersionWithSign", FirstLine("GET /ping HTTP/+1.1"));
  cases.WrongVersion("VersionOfLetters", FirstLine("GET /ping HTTP/x.y"));
  cases.WrongVersion("VersionInLowerCase", FirstLine("GET /ping http/1.1"));
  cases.WrongVersion("VersionOfAnotherProtocol", FirstLine("GET /ping HTTPS/1.1"));
  cases.WrongVersion("PrefaceOfHttp2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  cases.WrongVersion("FirstLineEndedByLf", "GET /ping HTTP/1.1\nHost: a\r\n\r\n");
  cases.WrongVersion("FirstLineEndedByCr", "GET /ping HTTP/1.1\rHost: a\r\n\r\n");
  cases.WrongVersion("FirstLineEndedByCrCrLf", "GET /ping HTTP/1.1\r\r\nHost: a\r\n\r\n");
  cases.WrongVersion("AllLinesEndedByLf", "GET /ping HTTP/1.1\nHost: a\n\n");
  cases.Bad("CrBeforeTheRequest", "\r" + FirstLine("GET /ping HTTP/1.1"));
  cases.Bad("LfBeforeTheRequest", "\n" + FirstLine("GET /ping HTTP/1.1"));
  cases.TooLargeHeader("EndlessTarget", Target("/" + std::string(20'000, 'x')));
  cases.TooLargeHeader("EndlessMethod", FirstLine(std::string(20'000, 'X') + " / HTTP/1.1"));
}

void AddTargets(Cases& cases) {
  cases.Bad("TargetWithoutSlash", Target("ping"));
  cases.Bad("TargetOfAQueryAlone", Target("?a=b"));
  cases.Bad("TargetWithFragment", Target("/ping#a"));
  cases.Bad("TargetWithQuote", Target("/ping\""));
  cases.Bad("TargetWithBackslash", Target("/ping\\"));
  cases.Bad("TargetWithBrace", Target("/ping{"));
  cases.Bad("TargetWithBar", Target("/ping|"));
  cases.Bad("TargetWithAngleBracket", Target("/ping<"));
  cases.Bad("TargetBeyondAscii", Target("/caf\xC3\xA9"));
  cases.Bad("TargetWithNul", Target("/pi\0ng"s));
  cases.Bad("TargetWithLf", Target("/pi\nng"));
  cases.Bad("TargetWithCr", Target("/pi\rng"));
  cases.Bad("TargetWithDel", Target("/pi\x7Fng"));
  cases.WrongVersion("TargetWithBlank", Target("/pi ng"));
  cases.Bad("TargetOfAsterisk", Target("*"));
  cases.Bad("TargetOfAsteriskWithAnotherOfOptions", FirstLine("OPTIONS ** HTTP/1.1"));
  cases.Bad("TargetOfAuthority", Target("a:80"));
  cases.NotImplemented("TargetOfAuthorityWithConnect", FirstLine("CONNECT a:80 HTTP/1.1"));
  cases.Bad("TargetOfAnotherScheme", Target("ftp://a/ping"));
  cases.Bad("TargetOfAnUnknownScheme", Target("s://]ufd/:"));
  cases.Bad("TargetOfASchemeWithoutAuthority", Target("http:/ping"));
  cases.Bad("TargetOfAnEmptyAuthority", Target("http:///ping"));
  cases.Bad("TargetOfASchemeAlone", Target("http://"));
  cases.Bad("TargetOfAPortWithoutHost", Target("http://:80/ping"));
  cases.Bad("TargetWithUser", Target("http://u@a/ping"));
  cases.Bad("TargetWithUserAndPassword", Target("http://u:p@a/ping"));
  cases.Bad("TargetWithAPortOfLetters", Target("http://a:b/ping"));
  cases.Bad("TargetWithAnOpenBracket", Target("http://[::1/ping"));
  cases.Bad("TargetWithPercentAtItsEnd", Target("/ping%"));
  cases.Bad("TargetWithHalfAnEscape", Target("/ping%4"));
  cases.Bad("TargetWithAnEscapeThatIsNoNumber", Target("/ping?a=%0g"));
}

void AddHeaderFields(Cases& cases) {
  cases.Bad("BlankBeforeColon", Get("X-Any : a\r\n"));
  cases.Bad("TabBeforeColon", Get("X-Any\t: a\r\n"));
  cases.Bad("HeaderWithoutName", Get(": a\r\n"));
  cases.Bad("HeaderWithoutColon", Get("X-Any\r\n"));
  cases.Bad("HeaderNameWithBlank", Get("X Any: a\r\n"));
  cases.Bad("HeaderNameWithNul", Get("X\0Any: a\r\n"s));
  cases.Bad("HeaderNameWithQuote", Get("\"X-Any\": a\r\n"));
  cases.Bad("HeaderNameWithParenthesis", Get("X(Any): a\r\n"));
  cases.Bad("HeaderNameWithSlash", Get("X/Any: a\r\n"));
  cases.Bad("HeaderNameWithSemicolon", Get("X;Any: a\r\n"));
  cases.Bad("HeaderNameWithEquals", Get("X=Any: a\r\n"));
  cases.Bad("HeaderNameWithBrackets", Get("X[0]: a\r\n"));
  cases.Bad("HeaderNameWithDel", Get("X\x7F: a\r\n"));
  cases.Bad("HeaderNameWithLf", Get("X\nAny: a\r\n"));
  cases.Bad("HeaderNameBeyondAscii", Get("X-\xC3\xA9: a\r\n"));
  cases.Bad("NoBreakSpaceBehindTransferEncoding",
            Post("Transfer-Encoding\xA0: chunked\r\n\r\n0\r\n\r\n"));
  cases.Bad("NextLineBehindContentLength", Post("Content-Length\x85: 5\r\n\r\nhello"));
  cases.Bad("FirstHeaderLineBeginsWithABlank", "GET /ping HTTP/1.1\r\n Host: a\r\n\r\n");
  cases.Bad("ControlCharacterInAHeader", Get("X-Any: a\x01\r\n"));
  cases.Bad("NulInAHeader", Get("X-Any: a\0b\r\n"s));
  cases.Bad("DelInAHeader", Get("X-Any: a\x7F\r\n"));
  cases.Bad("VerticalTabInAHeader", Get("X-Any: a\vb\r\n"));
  cases.Bad("FormFeedInAHeader", Get("X-Any: a\fb\r\n"));
  cases.Bad("EscapeInAHeader", Get("X-Any: \x1B[2J\r\n"));
  cases.Bad("LfInAHeader", Get("X-Any: a\nX-Request-Id: b\r\n"));
  cases.Bad("CrInAHeader", Get("X-Any: a\rb\r\n"));
  cases.Bad("CrCrLfBehindAHeader", Get("X-Any: a\r\r\n"));
  cases.Bad("LfInTheRequestId", Get("X-Request-Id: a\nSet-Cookie: b\r\n"));
  cases.Bad("CrInTheRequestId", Get("X-Request-Id: a\rSet-Cookie: b\r\n"));
  cases.Bad("LfInTheCustomAttributes",
            Get("X-Amzn-SageMaker-Custom-Attributes: a\nSet-Cookie: b\r\n"));
  cases.Bad("CrInTheCustomAttributes",
            Get("X-Amzn-SageMaker-Custom-Attributes: a\rSet-Cookie: b\r\n"));
  cases.Bad("RequestBehindTwoLfInAHeader",
            Get("X-Any:\n\nPOST /invocations HTTP/1.1\nHost: a\n\n\r\n"));
  cases.Bad("HeaderEndedByLf", "GET /ping HTTP/1.1\r\nHost: a\nX-Any: b\r\n\r\n");
  cases.Bad("HeadEndedByLfCrLf", "GET /ping HTTP/1.1\r\nHost: a\n\r\n");
  cases.Bad("HeadEndedByCrLfLf", "GET /ping HTTP/1.1\r\nHost: a\r\n\n");
  cases.Bad("HeadEndedByCrLfCr", "GET /ping HTTP/1.1\r\nHost: a\r\n\rx");
  cases.Bad("ContinuationLine", Get("X-Request-Id: a\r\n b\r\n"));
  cases.Bad("ContinuationLineAfterATab", Get("X-Any: a\r\n\tb\r\n"));
  cases.Bad("ContinuationLineOfBlanks", Get("X-Any: a\r\n \r\n"));
  cases.Bad("ContinuationLineOfAnEmptyHeader", Get("X-Any:\r\n b\r\n"));
  cases.Bad("ContinuationLineOfBlanksOfAnEmptyHeader", Get("X-Any: \r\n \r\n"));
  cases.Bad("ContinuationLineOfTheHost", "GET /ping HTTP/1.1\r\nHost:\r\n a\r\n\r\n");
  cases.Bad("ContinuationLineOfTheLength", Length("\r\n 5"));
  cases.Bad("ContinuationLineOfTheEncoding", Encoding("\r\n chunked"));
  cases.Bad("ContinuationLineOfTheEncodingAfterATab", Encoding("\r\n\tchunked"));
  cases.Bad("ConnectionThatIsNoList", Get("Connection: close keep-alive\r\n"));
  cases.Bad("ContentTypeTwice", Get("Content-Type: a/b\r\nContent-Type: a/b\r\n"));
  cases.Bad("ContentEncodingTwice",
            Get("Content-Encoding: identity\r\ncontent-encoding: gzip\r\n"));
  cases.Bad("RequestIdTwice", Get("X-Request-Id: a\r\nx-request-id: b\r\n"));
  cases.Bad("InferenceIdTwice",
            Get("X-Amzn-SageMaker-Inference-Id: a\r\nX-Amzn-SageMaker-Inference-Id: a\r\n"));
  cases.Bad("CustomAttributesTwice", Get("X-Amzn-SageMaker-Custom-Attributes: a\r\n"
                                         "X-Amzn-SageMaker-Custom-Attributes: b\r\n"));
  cases.Bad("ExpectTwice", Post("Content-Length: 1\r\nExpect: 100-continue\r\n"
                                "Expect: 100-continue\r\n\r\nx"));
  cases.Unexpected("OtherExpectation", Post("Content-Length: 1\r\nExpect: tea\r\n\r\nx"));
  cases.Unexpected("TwoExpectations",
                   Post("Content-Length: 1\r\nExpect: 100-continue, tea\r\n\r\nx"));
  std::string fields;
  for (int i = 0; i < 100; ++i) fields += "X: a\r\n";  // beside Host
  cases.TooLargeHeader("TooManyHeaderFields", Get(fields));
  cases.TooLargeHeader("TooLongHeaderValue", Get("X-Any: " + std::string(20'000, 'x') + "\r\n"));
  cases.TooLargeHeader("TooLongHeaderName", Get(std::string(20'000, 'x') + ": a\r\n"));
}

void AddHosts(Cases& cases) {
  cases.Bad("NoHost", "GET /ping HTTP/1.1\r\n\r\n");
  cases.Bad("NoHostBesideAnAbsoluteTarget", "GET http://a/ping HTTP/1.1\r\n\r\n");
  cases.Bad("TwoHosts", Get("Host: b\r\n"));
  cases.Bad("TheSameHostTwice", Get("Host: a\r\n"));
  cases.Bad("TheSameHostTwiceInOddCase", Get("hOST: a\r\n"));
  cases.Bad("TwoHostsInTheOldVersion", "GET /ping HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n");
  cases.Bad("HostWithBlank", Host("a b"));
  cases.Bad("HostWithTab", Host("a\tb"));
  cases.Bad("HostWithPath", Host("a/b"));
  cases.Bad("HostWithScheme", Host("http://a"));
  cases.Bad("HostWithUser", Host("u@a"));
  cases.Bad("HostWithQuery", Host("a?b"));
  cases.Bad("HostWithFragment", Host("a#b"));
  cases.Bad("HostWithQuote", Host("\"a\""));
  cases.Bad("HostWithBackslash", Host("a\\b"));
  cases.Bad("HostBeyondAscii", Host("caf\xC3\xA9"));
  cases.Bad("HostWithAPortOfLetters", Host("a:b"));
  cases.Bad("HostWithASignedPort", Host("a:+80"));
  cases.Bad("HostWithTwoPorts", Host("a:80:80"));
  cases.Bad("HostWithAnOpenBracket", Host("[::1"));
  cases.Bad("HostWithAClosingBracket", Host("::1]"));
  cases.Bad("HostWithEmptyBrackets", Host("[]"));
  cases.Bad("HostWithWordBehindBrackets", Host("[::1]a"));
}

void AddLengths(Cases& cases) {
  cases.Bad("TwoLengths", Post("Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!"));
  cases.Bad("TheSameLengthTwice", Post("Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi"));
  cases.Bad("LengthAndEmptyLength", Post("Content-Length: 2\r\nContent-Length:\r\n\r\nhi"));
  cases.Bad("ListOfTheSameLength", Length("5, 5"));
  cases.Bad("ListOfLengths", Length("5, 6"));
  cases.Bad("ListOfALengthAndNothing", Length("5,"));
  cases.Bad("ListOfNothingAndALength", Length(",5"));
  cases.Bad("LengthOfNothing", Length(""));
  cases.Bad("LengthOfAWord", Length("five"));
  cases.Bad("LengthOfTwoNumbers", Length("5 5"));
  cases.Bad("NegativeLength", Length("-5"));
  cases.Bad("LengthOfMinusNothing", Length("-0"));
  cases.Bad("SignedLength", Length("+5"));
  cases.Bad("HexadecimalLength", Length("0x5"));
  cases.Bad("LengthWithUnderscore", Length("0_5"));
  cases.Bad("LengthWithFraction", Length("5.0"));
  cases.Bad("LengthWithExponent", Length("5e0"));
  cases.Bad("LengthInQuotes", Length("\"5\""));
  cases.Bad("LengthWithParameter", Length("5;a=b"));
  cases.Bad("LengthOfWideDigits", Length("\xEF\xBC\x95"));  // U+FF15
  cases.Bad("LengthWithVerticalTab", Length("\v5"));
  cases.Bad("LengthBeyondAllNumbers", Length("99999999999999999999"));
  cases.Bad("LengthThatWouldWrapToFive", Length("18446744073709551621"));
  cases.TooLargeBody("LengthBeyondTheLimit", Length("6291457"));
  cases.TooLargeBody("GreatestLength", Length("18446744073709551615"));
}

void AddEncodings(Cases& cases) {
  cases.Bad("LengthAndChunked",
            Post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
  cases.Bad("ChunkedAndLength",
            Post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"));
  cases.Bad("LengthAndIdentity",
            Post("Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\nhello"));
  cases.Bad("OtherEncodingAndLength",
            Post("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello"));
  cases.Bad("EmptyEncodingAndLength", Post("Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello"));
  cases.Bad("EncodingOfTheOldVersion",
            "POST /invocations HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  cases.Bad("ChunkedInTwoLines", Encoding("chunked\r\nTransfer-Encoding: chunked"));
  cases.Bad("ChunkedThenIdentityInTwoLines", Encoding("chunked\r\nTransfer-Encoding: identity"));
  cases.Bad("IdentityThenChunkedInTwoLines", Encoding("identity\r\nTransfer-Encoding: chunked"));
  cases.Bad("ChunkedThenOtherInTwoLines", Encoding("chunked\r\ntransfer-encoding: cow"));
  cases.NotImplemented("Identity", Encoding("identity"));
  cases.NotImplemented("Gzip", Encoding("gzip"));
  cases.NotImplemented("GzipThenChunked", Encoding("gzip, chunked"));
  cases.NotImplemented("ChunkedThenGzip", Encoding("chunked, gzip"));
  cases.NotImplemented("ChunkedThenIdentity", Encoding("chunked, identity"));
  cases.NotImplemented("ChunkedTwice", Encoding("chunked, chunked"));
  cases.NotImplemented("NothingThenChunked", Encoding(",chunked"));
  cases.NotImplemented("ChunkedThenNothing", Encoding("chunked,"));
  cases.NotImplemented("ChunkedWithParameter", Encoding("chunked;q=1"));
  cases.NotImplemented("ChunkedInQuotes", Encoding("\"chunked\""));
  cases.NotImplemented("ChunkedWithBlank", Encoding("chunked chunked"));
  cases.NotImplemented("NotQuiteChunked", Encoding("xchunked"));
  cases.NotImplemented("ChunkedAndMore", Encoding("chunkedx"));
  cases.NotImplemented("ChunkedBehindANoBreakSpace", Encoding("\xA0"
                                                              "chunked"));
  cases.NotImplemented("EncodingOfNothing", Encoding(""));
  cases.Bad("ChunkedBehindAVerticalTab", Encoding("\vchunked"));
  cases.Bad("ChunkedBeforeANul", Encoding("chunked\0"s));
  cases.Bad("ChunkedBehindALf", Encoding("\nchunked"));
}

void AddChunks(Cases& cases) {
  cases.Bad("ChunkSizeOfNothing", Chunk(""));
  cases.Bad("ChunkSizeIsNoNumber", Chunk("xyz"));
  cases.Bad("ChunkSizeNegative", Chunk("-5"));
  cases.Bad("ChunkSizeSigned", Chunk("+5"));
  cases.Bad("ChunkSizeWithPrefix", Chunk("0x5"));
  cases.Bad("ChunkSizeWithUnderscore", Chunk("0_5"));
  cases.Bad("ChunkSizeBehindABlank", Chunk(" 5"));
  cases.Bad("ChunkSizeBeforeABlank", Chunk("5 "));
  cases.Bad("ChunkSizeBeforeATab", Chunk("5\t"));
  cases.Bad("ChunkSizeWithNul", Chunk("5\0"s));
  cases.Bad("ChunkSizeWithComma", Chunk("5,5"));
  cases.Bad("ChunkSizeInQuotes", Chunk("\"5\""));
  cases.Bad("ChunkSizeBeyondAllNumbers", Chunk("11111111111111111"));
  cases.Bad("ChunkSizeThatWouldWrapToFive", Chunk("10000000000000005"));
  cases.TooLargeBody("ChunkSizeBeyondTheLimit", Chunk("600001"));
  cases.TooLargeBody("GreatestChunkSize", Chunk("ffffffffffffffff"));
  cases.Bad("ChunkSizeEndedByLf", Chunked("5\nhello\r\n0\r\n\r\n"));
  cases.Bad("ChunkSizeEndedByCr", Chunked("5\rhello\r\n0\r\n\r\n"));
  cases.Bad("ChunkSizeEndedByCrCrLf", Chunk("5\r"));
  cases.Bad("ChunkLongerThanItsSize", Chunk("4"));
  cases.Bad("ChunkShorterThanItsSize", Chunk("7"));
  cases.Bad("ChunkEndedByLf", Chunked("5\r\nhello\n0\r\n\r\n"));
  cases.Bad("ChunkEndedByCr", Chunked("5\r\nhello\r0\r\n\r\n"));
  cases.Bad("ChunkEndedByTwoOtherBytes", Chunked("5\r\nhelloxx0\r\n\r\n"));
  cases.Bad("ChunkEndedByLfCr", Chunked("5\r\nhello\n\r0\r\n\r\n"));
  cases.Bad("ChunkNotEnded", Chunked("5\r\nhello0\r\n\r\n"));
  cases.Bad("LastChunkNotEnded", Chunked("5\r\nhello\r\n0\r\n"));
  cases.Bad("LastChunkEndedByLf", Chunked("5\r\nhello\r\n0\n\n"));
  cases.Bad("LastChunkEndedByCrLfLf", Chunked("5\r\nhello\r\n0\r\n\n"));
  cases.Bad("LastChunkWithPrefix", Chunked("5\r\nhello\r\n0x0\r\n\r\n"));
  cases.Bad("LastChunkMissing", Chunked("5\r\nhello\r\n\r\n\r\n"));
  cases.Bad("ChunkExtensionTooLong", Chunk("5;" + std::string(300, 'a')));
  cases.Bad("ChunkExtensionOfTheLastChunkTooLong",
            Chunked("5\r\nhello\r\n0;" + std::string(300, 'a') + "\r\n\r\n"));
  cases.Bad("ChunkExtensionEndless", Chunk("5;" + std::string(40'000, 'a')));
  cases.Bad("ChunkExtensionWithoutName", Chunk("5;"));
  cases.Bad("ChunkExtensionWithoutNameButValue", Chunk("5;=a"));
  cases.Bad("ChunkExtensionWithoutValue", Chunk("5;a="));
  cases.Bad("ChunkExtensionWithoutSemicolon", Chunk("5 a=b"));
  cases.Bad("ChunkExtensionWithCr", Chunk("5;a\rb"));
  cases.Bad("ChunkExtensionWithLf", Chunk("5;a\nb"));
  cases.Bad("ChunkExtensionWithNul", Chunk("5;a\0b"s));
  cases.Bad("ChunkExtensionWithCrInQuotes", Chunk("5;a=\"\r\""));
  cases.Bad("ChunkExtensionWithLfInQuotes", Chunk("5;a=\"\n\""));
  cases.Bad("ChunkExtensionWithEscapedLfInQuotes", Chunk("5;a=\"\\\n\""));
  cases.Bad("ChunkExtensionWithNulInQuotes", Chunk("5;a=\"\0\""s));
  cases.Bad("ChunkExtensionWithCrLfInQuotes", Chunk("5;a=\"\r\n\""));
  cases.Bad("ChunkExtensionOfTheLastChunkWithLfInQuotes",
            Chunked("5\r\nhello\r\n0;a=\"\n\"\r\n\r\n"));
  cases.Bad("ChunkExtensionWithOpenQuotes", Chunk("5;a=\"b"));
}

void AddTrailers(Cases& cases) {
  cases.Bad("TrailerWithoutColon", Trailer("X-Any\r\n"));
  cases.Bad("TrailerWithoutName", Trailer(": a\r\n"));
  cases.Bad("TrailerWithBlankBeforeColon", Trailer("X-Any : a\r\n"));
  cases.Bad("TrailerWithControlCharacter", Trailer("X-Any: a\x01\r\n"));
  cases.Bad("TrailerWithLf", Trailer("X-Any: a\nb\r\n"));
  cases.Bad("TrailerWithCr", Trailer("X-Any: a\rb\r\n"));
  cases.Bad("TrailerWithContinuationLine", Trailer("X-Any: a\r\n b\r\n"));
  cases.Bad("EmptyTrailerWithContinuationLine", Trailer("X-Any:\r\n b\r\n"));
  cases.Bad("TrailersEndedByLf", Chunked("5\r\nhello\r\n0\r\nX-Any: a\n\n"));
  cases.Bad("TrailersEndless", Trailer("X-Any: " + std::string(40'000, 'a') + "\r\n"));
  for (const std::string name :
       {"Authorization", "Cache-Control", "Connection", "Content-Encoding", "Content-Length",
        "Content-Range", "Content-Type", "Cookie", "Expect", "Host", "Max-Forwards",
        "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade"}) {
    cases.Bad("Trailer" + std::string(name).erase(std::min(name.find('-'), name.size()), 1) +
                  "ComesTooLate",
              Trailer(name + ": 5\r\n"));
  }
}

std::vector<MalformedRequest> Collect() {
  Cases cases;
  AddFirstLines(cases);
  AddTargets(cases);
  AddHeaderFields(cases);
  AddHosts(cases);
  AddLengths(cases);
  AddEncodings(cases);
  AddChunks(cases);
  AddTrailers(cases);
  return cases.Take();
}

}  // namespace

const std::vector<MalformedRequest>& MalformedRequests() {
  static const std::vector<MalformedRequest> kCases = Collect();
  return kCases;
}

}  // namespace forkcast
