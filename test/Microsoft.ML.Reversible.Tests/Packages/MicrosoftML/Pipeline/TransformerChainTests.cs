using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Pipeline;

[TestClass]
public class TransformerChainTests
{
    private readonly WordsView _data = new("Text", "One two", "three");

    [TestMethod]
    public void AnEmptyChainChangesNothing()
    {
        ITransformer empty = new TransformerChain<ITransformer>();

        Assert.AreSame(_data, empty.Transform(_data));
        Assert.IsTrue(empty.IsRowToRowMapper);
    }

    [TestMethod]
    public void DisposingAChainDisposesItsTransformers()
    {
        var first = new LengthTransformer("Text", "A");
        var second = new LengthTransformer("Text", "B");

        new TransformerChain<ITransformer>(first, second).Dispose();

        Assert.AreEqual(1, first.Disposals);
        Assert.AreEqual(1, second.Disposals);
    }

    [TestMethod]
    public void AppendingMakesALongerChain()
    {
        var chain = new LengthTransformer("Text", "A").Append(new LengthTransformer("Text", "B"));

        Assert.AreEqual("B", chain.Transform(_data).Schema[2].Name);
        Assert.HasCount(3, chain.Append(new LengthTransformer("Text", "C")).ToArray());
    }

    [TestMethod]
    public void ARowGoesThroughAllMappersOfTheChain()
    {
        ITransformer chain = new LengthTransformer("Text", "A").Append(new LengthTransformer("Text", "B"));
        var mapper = chain.GetRowToRowMapper(_data.Schema);
        using var cursor = _data.GetRowCursor(mapper.GetDependencies([mapper.OutputSchema["B"]]));
        using var row = mapper.GetRow(cursor, [mapper.OutputSchema["B"]]);
        var getter = row.GetGetter<int>(row.Schema["B"]);

        Assert.IsTrue(cursor.MoveNext());
        var value = 0;
        getter(ref value);

        Assert.AreEqual(7, value);
        Assert.AreEqual(0, row.Position);
        Assert.AreEqual("Text", mapper.GetDependencies([mapper.OutputSchema["B"]]).Single().Name);
    }
}
