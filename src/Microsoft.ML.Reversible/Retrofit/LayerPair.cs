namespace Microsoft.ML.Reversible;

/// <summary>A stream of the teacher and the stream of the student that is drawn to it.</summary>
/// <param name="Teacher">l of the teacher's stream p_l, from 0, the embedding, to the number of layers.</param>
/// <param name="Student">l of the student's stream p_l, likewise.</param>
public readonly record struct LayerPair(int Teacher, int Student);
