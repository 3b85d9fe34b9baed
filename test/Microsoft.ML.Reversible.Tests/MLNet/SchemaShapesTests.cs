using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Tests.MLNet;

[TestClass]
public sealed class SchemaShapesTests
{
    [TestMethod]
    public void AShapeHasKindItemTypeKeyAndAnnotationsOfItsSchema()
    {
        SchemaShape shape = SchemaShapes.From(Schema());

        Assert.AreEqual(4, shape.Count);
        AssertColumn(shape, "Text", SchemaShape.Column.VectorKind.Scalar, TextDataViewType.Instance, isKey: false);
        AssertColumn(shape, "Known", SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, isKey: false);
        AssertColumn(shape, "Unknown", SchemaShape.Column.VectorKind.VariableVector, NumberDataViewType.Double, isKey: false);
        SchemaShape.Column key = AssertColumn(shape, "Key", SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, isKey: true);
        Assert.AreEqual("ScoreColumnKind", key.Annotations.Single().Name);
    }

    [TestMethod]
    public void AnAddedColumnReplacesOneOfItsName()
    {
        var added = new DataViewSchema.Builder();
        added.AddColumn("Known", NumberDataViewType.Int32);
        added.AddColumn("New", NumberDataViewType.Single);

        SchemaShape shape = SchemaShapes.From(Schema()).With(added.ToSchema());

        CollectionAssert.AreEqual(new[] { "Text", "Unknown", "Key", "Known", "New" }, shape.Select(column => column.Name).ToArray());
        AssertColumn(shape, "Known", SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Int32, isKey: false);
    }

    [TestMethod]
    public void FindGivesNullForAMissingColumn()
    {
        Assert.IsNull(SchemaShapes.From(Schema()).Find("Missing"));
        Assert.AreEqual("Key", SchemaShapes.From(Schema()).Find("Key")!.Value.Name);
    }

    [TestMethod]
    public void WhatIsPromisedIsWhatAViewDelivers()
    {
        var ml = new MLContext(seed: 1);
        IDataView data = LengthColumns.Rows(ml, "a");
        var lengths = new LengthColumns();

        SchemaShape promised = SchemaShapes.From(data.Schema).With(lengths.Columns().ToSchema());
        SchemaShape delivered = SchemaShapes.From(lengths.View(ml, data).Schema);

        CollectionAssert.AreEqual(delivered.Select(Describe).ToArray(), promised.Select(Describe).ToArray());
    }

    private static string Describe(SchemaShape.Column column) => $"{column.Name} {column.Kind} {column.ItemType} {column.IsKey}";

    private static SchemaShape.Column AssertColumn(
        SchemaShape shape, string name, SchemaShape.Column.VectorKind kind, DataViewType itemType, bool isKey)
    {
        SchemaShape.Column column = shape.Single(column => column.Name == name);
        Assert.AreEqual(kind, column.Kind);
        Assert.AreEqual(itemType, column.ItemType);
        Assert.AreEqual(isKey, column.IsKey);
        return column;
    }

    private static DataViewSchema Schema()
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.AddPrimitiveValue("ScoreColumnKind", TextDataViewType.Instance, "MulticlassClassification".AsMemory());
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Text", TextDataViewType.Instance);
        builder.AddColumn("Known", new VectorDataViewType(NumberDataViewType.Single, 3));
        builder.AddColumn("Unknown", new VectorDataViewType(NumberDataViewType.Double));
        builder.AddColumn("Key", new KeyDataViewType(typeof(uint), 5), annotations.ToAnnotations());
        return builder.ToSchema();
    }
}
