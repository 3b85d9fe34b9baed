using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class Gpt2PreTokenizerTests
{
    private static readonly Regex _rule = new(Gpt2PreTokenizer.Expression);

    // As UTF-16 units, the letters and digits would be signs, and signs take the apostrophe.
    [TestMethod]
    [DataRow("𝔸's", "𝔸|'s")]
    [DataRow("ab𐍈c 𐍉", "ab𐍈c| 𐍉")]
    [DataRow("𠀀!", "𠀀|!")]
    [DataRow("1𝟘𝟙'll", "1𝟘𝟙|'ll")]
    [DataRow("😀's", "😀'|s")]
    public void LettersAndDigitsBeyondTheBasicPlaneAreLettersAndDigits(string text, string pieces) =>
        Assert.AreEqual(pieces, string.Join('|', Cut(text)));

    [TestMethod]
    public void WithinTheBasicPlaneTextIsCutAsTheRegularExpressionCutsIt()
    {
        for (int seed = 0; seed < 20_000; seed++)
        {
            string text = string.Concat(MixedText.Next(new Random(seed)).Where(c => !char.IsSurrogate(c)));

            CollectionAssert.AreEqual(_rule.Matches(text).Select(match => match.Value).ToArray(), Cut(text), text);
        }
    }

    [TestMethod]
    public void TheWholeTextIsCutByStringAndBySpan()
    {
        const string text = "We've seen  it:\n\n42 times, naïve 猫!";

        CollectionAssert.AreEqual(
            RobertaPreTokenizer.Instance.PreTokenize(text).ToArray(), Gpt2PreTokenizer.Instance.PreTokenize(text).ToArray());
        CollectionAssert.AreEqual(
            RobertaPreTokenizer.Instance.PreTokenize(text).ToArray(), Gpt2PreTokenizer.Instance.PreTokenize(text.AsSpan()).ToArray());
    }

    [TestMethod]
    public void AnIdSequenceFollowsTheCodePoints()
    {
        // huggingface/tokenizers; the apostrophe cut off has the ids 6 and 82.
        LanguageModelTokenizer tokenizer = LanguageModelTokenizer.Load(TestData.Require("gpt2-tokenizer/encoder.json"));

        CollectionAssert.AreEqual(new[] { 47728, 238, 105, 338 }, tokenizer.Encode("𝐬's"));
    }

    private static string[] Cut(string text)
    {
        var pieces = new List<string>();
        for (int start = 0; start < text.Length;)
        {
            int end = Gpt2PreTokenizer.EndOf(text, start);
            pieces.Add(text[start..end]);
            start = end;
        }
        return [.. pieces];
    }
}
