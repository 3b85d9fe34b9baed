namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>The columns of lm-evaluation-harness's tasks, named as the benchmarks name them.</summary>
internal static class TaskColumns
{
    public static ZeroShotColumn[] Piqa =>
        [ZeroShotColumn.Text("goal"), ZeroShotColumn.Text("sol1"), ZeroShotColumn.Text("sol2"), ZeroShotColumn.Integer("label")];

    public static ZeroShotColumn[] Arc => [ZeroShotColumn.Text("question"), .. Keyed];

    public static ZeroShotColumn[] OpenBookQa => [ZeroShotColumn.Text("question_stem"), .. Keyed];

    public static ZeroShotColumn[] Winogrande =>
        [ZeroShotColumn.Text("sentence"), ZeroShotColumn.Text("option1"), ZeroShotColumn.Text("option2"), ZeroShotColumn.Text("answer")];

    public static ZeroShotColumn[] HellaSwag =>
    [
        ZeroShotColumn.Text("activity_label"), ZeroShotColumn.Text("ctx_a"), ZeroShotColumn.Text("ctx_b"),
        ZeroShotColumn.Texts("endings"), ZeroShotColumn.Integer("label"),
    ];

    public static ZeroShotColumn[] Mmlu =>
        [ZeroShotColumn.Text("question"), ZeroShotColumn.Texts("choices"), ZeroShotColumn.Integer("answer")];

    public static ZeroShotColumn[] Lambada => [ZeroShotColumn.Text("text")];

    public static ZeroShotColumn[] Wikitext => [ZeroShotColumn.Text("page")];

    private static ZeroShotColumn[] Keyed =>
        [ZeroShotColumn.Texts("choices"), ZeroShotColumn.Texts("labels"), ZeroShotColumn.Text("answerKey")];
}
