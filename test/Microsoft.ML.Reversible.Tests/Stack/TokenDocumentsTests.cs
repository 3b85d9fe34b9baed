using Microsoft.ML.Reversible.Stack;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Stack;

/// <summary>Tests how the documents of rows are found and arranged.</summary>
[TestClass]
public sealed class TokenDocumentsTests
{
    [TestMethod]
    public void ADocumentIsARunOfOneNumber()
    {
        TokenDocuments documents = TokenDocuments.Of([3, 3, 1, 1, 1, 3, 2, 2, 2, 2, 2, 2], tokens: 6)!;
        Assert.AreEqual(2, documents.Rows);
        using Tensor positions = documents.Positions(CPU);
        CollectionAssert.AreEqual(new long[] { 0, 1, 0, 1, 2, 0, 0, 1, 2, 3, 4, 5 }, positions.data<long>().ToArray());
        using DocumentGroups groups = documents.Groups(new RowRange(0, 2), CPU)!;
        CollectionAssert.AreEqual(
            new[] { "6: 6 at 6", "3: 3 at 2", "2: 2 at 0", "1: 1 at 5" },
            groups.Groups.Select(g => $"{g.Tokens}: {string.Join(' ', g.Lengths)} at {string.Join(' ', g.FirstTokens)}").ToArray());
    }

    [TestMethod]
    public void RowsOfOneDocumentNeedNoGroups()
    {
        Assert.IsNull(TokenDocuments.Of([1, 1, 2, 2], tokens: 2));
        TokenDocuments documents = TokenDocuments.Of([1, 1, 2, 3], tokens: 2)!;
        Assert.IsNull(documents.Groups(new RowRange(0, 1), CPU));
        using DocumentGroups? groups = documents.Groups(new RowRange(1, 1), CPU);
        Assert.IsNotNull(groups);
    }

    [TestMethod]
    public void WhatIsNotWholeRowsIsRefused()
    {
        ArgumentException error = Assert.ThrowsExactly<ArgumentException>(() => TokenDocuments.Of([1, 2, 3], tokens: 2));
        Assert.StartsWith("3 document numbers are not whole rows of 2 tokens.", error.Message);
        var stack = new LayerStack(Scheme.Residual, [nn.Identity()], BackwardMode.Stored);
        using Tensor input = zeros(2, 3, 4);
        TokenDocuments other = TokenDocuments.Of([1, 2, 3], tokens: 3)!;
        Assert.ThrowsExactly<ArgumentException>(() => stack.Evaluate(input, new PassSettings(Documents: other)));
    }

    [TestMethod]
    public void PaddingIsAtMostAQuarter()
    {
        int before = 0;
        for (int length = 1; length < 5000; length++)
        {
            int padded = DocumentGroups.Padded(length);
            Assert.IsTrue(padded >= length && padded * 4 <= length * 5 && padded >= before, $"{length}: {padded}");
            Assert.AreEqual(padded, DocumentGroups.Padded(padded));
            before = padded;
        }
        Assert.HasCount(4, Enumerable.Range(513, 512).Select(DocumentGroups.Padded).Distinct());
    }

    [TestMethod]
    public void EachTokenKeepsItsPlace()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        var numbers = new Random(4);
        int[] documents = [.. Enumerable.Range(0, 5 * 40).Select(_ => numbers.Next(8) == 0 ? 1 : 0)];
        using DocumentGroups groups = TokenDocuments.Of(documents, tokens: 40)!.Groups(new RowRange(1, 3), CPU)!;
        Tensor x = randn([3, 40, 2, 3], generator: random).requires_grad_();
        Tensor sum = groups.ForEach(x, (tokens, group) =>
        {
            CollectionAssert.AreEqual(new long[] { group.Lengths.Count, group.Tokens, 2, 3 }, tokens.shape);
            return tokens.flatten(2);
        });
        Assert.IsTrue(TestModels.SameBits(x.flatten(2), sum));
        Tensor weights = randn([3, 40, 6], generator: random);
        (sum * weights).sum().backward();
        Assert.IsTrue(TestModels.SameBits(weights.view(3, 40, 2, 3), x.grad!));
    }
}
