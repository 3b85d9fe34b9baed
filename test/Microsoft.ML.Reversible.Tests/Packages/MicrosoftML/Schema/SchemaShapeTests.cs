using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.ThirdParty;

namespace Microsoft.ML.Reversible.Tests.Packages.MicrosoftML.Schema;

[TestClass]
public class SchemaShapeTests
{
    [TestMethod]
    public void AShapeCanBeMadeOfASchemaThroughALoaderEstimator()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add("KeyValues", new VectorDataViewType(TextDataViewType.Instance, 3), (ref VBuffer<ReadOnlyMemory<char>> _) => { });
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("PredictedLabel", new KeyDataViewType(typeof(uint), 3), annotations.ToAnnotations());
        builder.AddColumn("Score", new VectorDataViewType(NumberDataViewType.Single, 3));
        builder.AddColumn("Words", new VectorDataViewType(TextDataViewType.Instance));

        var shape = SchemaShapes.From(builder.ToSchema());

        Assert.AreEqual(3, shape.Count);
        Assert.AreEqual("PredictedLabel", shape[0].Name);
        Assert.IsTrue(shape[0].IsKey);
        Assert.AreEqual(NumberDataViewType.UInt32, shape[0].ItemType);
        Assert.AreEqual(SchemaShape.Column.VectorKind.Scalar, shape[0].Kind);
        Assert.AreEqual("KeyValues", shape[0].Annotations.Single().Name);
        Assert.AreEqual(SchemaShape.Column.VectorKind.Vector, shape[1].Kind);
        Assert.AreEqual(SchemaShape.Column.VectorKind.VariableVector, shape[2].Kind);
        Assert.AreEqual(TextDataViewType.Instance, shape[2].ItemType);
    }

    [TestMethod]
    public void HiddenColumnsHaveNoShape()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("A", TextDataViewType.Instance);

        Assert.AreEqual(TextDataViewType.Instance, SchemaShapes.From(builder.ToSchema()).Single().ItemType);
    }

    [TestMethod]
    public void AddedColumnsStandBesideOrInPlaceOfTheInputs()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("B", NumberDataViewType.Single);
        var added = new DataViewSchema.Builder();
        added.AddColumn("B", TextDataViewType.Instance);

        var shape = SchemaShapes.From(builder.ToSchema()).With(added.ToSchema());

        CollectionAssert.AreEquivalent(new[] { "A", "B" }, shape.Select(c => c.Name).ToArray());
        Assert.AreEqual(TextDataViewType.Instance, shape.Single(c => c.Name == "B").ItemType);
    }
}
