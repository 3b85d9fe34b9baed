using Microsoft.ML.Reversible.Tokenizers;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.Tokenizers;

[TestClass]
public class PieceCacheTests
{
    private static readonly Vocabulary _vocabulary = BpeLearner.Learn(Corpus.Rows, 300);

    private static readonly BpeTokenizer _tokenizer = BpeTokenizer.Create(
        new BpeOptions(_vocabulary.Tokens.Select((token, id) => KeyValuePair.Create(token, id)))
        {
            Merges = _vocabulary.Merges,
            ByteLevel = true,
            PreTokenizer = Gpt2PreTokenizer.Instance,
        });

    /// <summary>With more pieces than places, pieces share places, and each must still have its own ids.</summary>
    [TestMethod]
    public void GivesTheIdsOfTheTokenizerFromAllThreads()
    {
        var random = new Random(3);
        string[] texts = [
            .. Corpus.Rows, "", new string('a', 40) + " " + new string('a', 40),
            .. Enumerable.Range(0, 300).Select(_ => RandomText.Next(random, 80)),
            .. Enumerable.Range(0, 100).Select(row => string.Join(' ', Enumerable.Range(row * 1000, 1000))), .. Corpus.Rows];
        int[][] expected = [.. texts.Select(text => _tokenizer.EncodeToIds(text).ToArray())];
        var cache = new PieceCache(piece => _tokenizer.EncodeToIds(piece, considerPreTokenization: false));

        var actual = new int[texts.Length][];
        Parallel.For(0, texts.Length, i => actual[i] = Encode(texts[i]));

        for (int i = 0; i < texts.Length; i++)
        {
            CollectionAssert.AreEqual(expected[i], actual[i]);
            CollectionAssert.AreEqual(expected[i], Encode(texts[i]), "a second time");
        }

        int[] Encode(string text)
        {
            var ids = new List<int>();
            foreach ((int offset, int length) in Gpt2PreTokenizer.Instance.PreTokenize(text))
                cache.Append(text.AsSpan(offset, length), ids);
            return [.. ids];
        }
    }
}
