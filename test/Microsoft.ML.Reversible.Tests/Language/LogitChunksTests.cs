using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible.Tests.Language;

[TestClass]
public sealed class LogitChunksTests
{
    [TestMethod]
    [DataRow(1L, 50304L, 1L)]
    [DataRow(1000L, 50304L, 100L)]
    [DataRow(1000L, 7L, 700L)]
    [DataRow(32768L, 50304L, 1L << 28)]
    [DataRow(131072L, 50304L, 1L << 28)]
    [DataRow(5337L, 50304L, 1L << 28)]
    public void CoverAllTokensWithinTheLimitAndAreOfAboutTheSameSize(long tokens, long vocabulary, long elements)
    {
        (long Start, long Length)[] chunks = [.. LogitChunks.Of(tokens, vocabulary, elements)];
        long at = 0;
        foreach ((long start, long length) in chunks)
        {
            Assert.AreEqual(at, start);
            Assert.IsTrue(length == 1 || (length > 0 && length * vocabulary <= elements), $"{length} tokens");
            at += length;
        }
        Assert.AreEqual(tokens, at);
        long most = Math.Max(elements / vocabulary, 1);
        Assert.AreEqual((tokens + most - 1) / most, chunks.Length, "no more of them than needed");
        Assert.IsTrue(chunks.All(chunk => chunk.Length >= chunks[0].Length - 128 * chunks.Length), "the last one is no sliver");
    }

    [TestMethod]
    public void LongOnesAreWholeTilesOfTheMatrixProducts() =>
        CollectionAssert.AreEqual(
            new[] { 2688L, 2649L }, LogitChunks.Of(5337, 50304, 1 << 28).Select(chunk => chunk.Length).ToArray());
}
