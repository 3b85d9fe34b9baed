using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class StopTextTests
{
    [TestMethod]
    [DataRow("one two three", "two", "one ")]
    [DataRow("aaab", "aab", "a")]
    [DataRow("abcabd", "abd", "abc")]
    [DataRow("xyz", "z", "xy")]
    [DataRow("xyz", "xyz", "")]
    [DataRow("no such thing", "END", "no such thing")]
    [DataRow("later is first", "first|later", "")]
    [DataRow("abcd", "bcx|cd", "ab")]
    [DataRow("the straße", "ss", "the straße")]
    public void AnyCutIntoPiecesGivesTheTextBeforeTheFirstStop(string text, string stops, string expected)
    {
        var random = new Random(1);
        for (int round = 0; round < 30; round++)
        {
            var actual = new StopText(stops.Split('|'));
            string shown = "";
            for (int at = 0; at < text.Length && !actual.Stopped;)
            {
                int length = Math.Min(random.Next(0, 4), text.Length - at);
                actual.Append(text.Substring(at, length));
                at += length;
                shown += actual.Take(all: false);
                Assert.IsTrue(expected.StartsWith(shown, StringComparison.Ordinal), "nothing is shown that is taken back");
            }
            Assert.AreEqual(expected, shown + actual.Take(all: true));
        }
    }

    [TestMethod]
    public void WithoutStopStringsAllIsShownAtOnce()
    {
        var text = new StopText([]);
        text.Append("abc");
        Assert.AreEqual("abc", text.Take(all: false));
        Assert.AreEqual("", text.Take(all: true));
    }

    [TestMethod]
    public void OnlyWhatAStopStringMightBeginWithIsHeldBack()
    {
        var text = new StopText(["\n\nQ:"]);
        text.Append("Paris\n");
        Assert.AreEqual("Paris", text.Take(all: false));
        text.Append("x");
        Assert.AreEqual("\nx", text.Take(all: false));
    }
}
