using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.Tests.MLNet;

[TestClass]
public sealed class AddColumnsMapperTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly LengthColumns _lengths = new();

    [TestMethod]
    public void NeedsTheTextForAnAddedColumnAndAPassedThroughColumnForItself()
    {
        DataViewSchema schema = LengthColumns.Rows(_ml).Schema;
        var mapper = new AddColumnsMapper<int>(schema, _lengths.Columns());

        Assert.AreSame(schema, mapper.InputSchema);
        CollectionAssert.AreEqual(new[] { "Text" }, Needed(mapper, "Half", "Length"));
        CollectionAssert.AreEqual(new[] { "Number" }, Needed(mapper, "Number"));
        CollectionAssert.AreEqual(new[] { "Number", "Text" }, Needed(mapper, "Number", "Length"));
    }

    [TestMethod]
    public void ARowFollowsItsInputAndClosesIt()
    {
        var data = new ProbeView(LengthColumns.Rows(_ml, "a", "bcd"));
        var mapper = new AddColumnsMapper<int>(data.Schema, _lengths.Columns());
        DataViewRowCursor cursor = data.GetRowCursor(data.Schema);
        using (DataViewRow row = mapper.GetRow(cursor, [mapper.OutputSchema["Length"]]))
        {
            ValueGetter<int> getter = row.GetGetter<int>(mapper.OutputSchema["Length"]);
            int length = 0;
            cursor.MoveNext();
            getter(ref length);
            Assert.AreEqual(1, length);
            cursor.MoveNext();
            getter(ref length);
            Assert.AreEqual(3, length);
            Assert.AreEqual(1, row.Position);
            Assert.IsTrue(row.IsColumnActive(mapper.OutputSchema["Number"]));
            Assert.IsFalse(row.IsColumnActive(mapper.OutputSchema["Half"]));
        }
        Assert.AreEqual(0, data.OpenCursors);
    }

    [TestMethod]
    public void RefusesARowOfAnotherSchema()
    {
        var mapper = new AddColumnsMapper<int>(LengthColumns.Rows(_ml).Schema, _lengths.Columns());
        var other = new StringsView("Text", ["a"]);
        using DataViewRowCursor cursor = other.GetRowCursor(other.Schema);
        Assert.ThrowsExactly<ArgumentException>(() => mapper.GetRow(cursor, []));
    }

    [TestMethod]
    public void APredictionEngineRunsOnIt()
    {
        using PredictionEngine<TextRow, LengthRow> engine =
            _ml.Model.CreatePredictionEngine<TextRow, LengthRow>(new LengthTransformer(_lengths.Columns()));

        Assert.AreEqual(3, engine.Predict(new TextRow { Text = "abc" }).Length);
        Assert.AreEqual(0.5f, engine.Predict(new TextRow { Text = "a" }).Half);
        Assert.AreEqual(2, _lengths.Computed);
    }

    private static string[] Needed(AddColumnsMapper<int> mapper, params string[] columns)
        => mapper.GetDependencies(columns.Select(name => mapper.OutputSchema[name])).Select(column => column.Name).ToArray();

    private sealed class LengthTransformer(AddedColumns<int> columns) : ITransformer
    {
        public bool IsRowToRowMapper => true;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => columns.ToSchema(inputSchema);

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new AddColumnsMapper<int>(inputSchema, columns);

        public IDataView Transform(IDataView input) => throw new NotSupportedException();

        void ICanSaveModel.Save(ModelSaveContext ctx) => throw new NotSupportedException();
    }
}
