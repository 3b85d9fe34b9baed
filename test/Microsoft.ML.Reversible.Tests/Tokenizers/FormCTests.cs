using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class FormCTests
{
    [TestMethod]
    [DataRow("plain", "plain")]
    [DataRow("e\u0301", "\u00E9")]
    [DataRow("\u212B", "\u00C5")]
    [DataRow("q\u0307\u0323", "q\u0323\u0307")]
    [DataRow("a\u0308\u0323", "\u1EA1\u0308")]
    [DataRow("\u1E0B\u0323", "\u1E0D\u0307")]
    [DataRow("\u1100\u1161\u11A8", "\uAC01")]
    [DataRow("\uAC00\u11A7", "\uAC00\u11A7")]
    [DataRow("\u0958", "\u0915\u093C")]
    [DataRow("\u2126\uFFFE\u0300", "\u03A9\uFFFE\u0300")]
    [DataRow("\U0001D15E", "\U0001D157\U0001D165")]
    [DataRow("\U00011099\U000110BA", "\U0001109A")]
    [DataRow("\u0344", "\u0308\u0301")]
    public void TextIsInFormC(string text, string expected)
    {
        Assert.AreEqual(expected, FormC.Normalize(text));
        Assert.AreEqual(expected, FormC.Normalize(expected));
    }

    [TestMethod]
    public void ASyllableOfAnyPartsIsOneCharacter()
    {
        for (char syllable = '\uAC00'; syllable <= '\uD7A3'; syllable++)
            Assert.AreEqual(syllable.ToString(), FormC.Normalize(syllable.ToString()));
    }
}
