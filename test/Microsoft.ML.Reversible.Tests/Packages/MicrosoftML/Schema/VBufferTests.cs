using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Schema;

[TestClass]
public class VBufferTests
{
    [TestMethod]
    public void ASparseVectorReadsAsItsDenseValues()
    {
        var sparse = new VBuffer<float>(5, 2, [1f, 2f], [1, 3]);

        Assert.IsFalse(sparse.IsDense);
        CollectionAssert.AreEqual(new[] { 0f, 1f, 0f, 2f, 0f }, sparse.DenseValues().ToArray());
        Assert.AreEqual(2f, sparse.GetItemOrDefault(3));
        Assert.AreEqual(0f, sparse.GetItemOrDefault(4));
        CollectionAssert.AreEqual(new[] { 1, 3 }, sparse.GetIndices().ToArray());
        var dense = new float[5];
        sparse.CopyTo(dense);
        CollectionAssert.AreEqual(new[] { 0f, 1f, 0f, 2f, 0f }, dense);
    }

    [TestMethod]
    public void AnEditorWritesIntoTheBuffersItFinds()
    {
        var buffer = new VBuffer<int>(4, [1, 2, 3, 4]);
        var kept = buffer;
        var editor = VBufferEditor.Create(ref buffer, 3);
        Assert.IsFalse(editor.CreatedNewValues);
        editor.Values.Fill(9);
        buffer = editor.Commit();

        Assert.AreEqual(3, buffer.Length);
        CollectionAssert.AreEqual(new[] { 9, 9, 9 }, buffer.DenseValues().ToArray());
        Assert.AreEqual(9, kept.GetItemOrDefault(0));
    }

    [TestMethod]
    public void ACopyHasItsOwnValues()
    {
        var source = new VBuffer<int>(2, [1, 2]);
        VBuffer<int> copy = default;
        source.CopyTo(ref copy);
        VBufferEditor.CreateFromBuffer(ref copy).Values[0] = 7;

        Assert.AreEqual(1, source.GetItemOrDefault(0));
        Assert.AreEqual(7, copy.GetItemOrDefault(0));
    }
}
