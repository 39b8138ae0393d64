//! The functions of the plan. They travel to a cluster by name: client, scheduler and executors register the same ones,
//! since all three are this program.

mod neighbours;
mod similar;
mod slots;
mod texts;

use std::sync::Arc;

use datafusion::arrow::array::{Array, UInt64Array};
use datafusion::common::cast::as_uint64_array;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{AggregateUDF, ColumnarValue, ScalarFunctionArgs, ScalarUDF};

pub(crate) use self::texts::COLUMNS;

/// Functions of one row.
pub(crate) fn scalar() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(texts::Texts::new())),
        Arc::new(ScalarUDF::from(slots::Slots::new())),
        Arc::new(ScalarUDF::from(similar::Similar::new())),
    ]
}

/// Functions of many rows.
pub(crate) fn aggregate() -> Vec<Arc<AggregateUDF>> {
    vec![Arc::new(AggregateUDF::from(neighbours::Closest::new()))]
}

fn external(error: crate::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// An argument that is the same for all rows.
fn constant(args: &ScalarFunctionArgs, at: usize) -> Result<&ScalarValue> {
    match args.args.get(at) {
        Some(ColumnarValue::Scalar(value)) => Ok(value),
        _ => exec_err!("argument {at} is not a literal"),
    }
}

/// The text of such an argument.
fn text(args: &ScalarFunctionArgs, at: usize) -> Result<&str> {
    match constant(args, at)?.try_as_str() {
        Some(Some(text)) => Ok(text),
        _ => exec_err!("argument {at} is not a text"),
    }
}

/// An argument as numbers, one per row.
fn numbers(args: &ScalarFunctionArgs, at: usize) -> Result<UInt64Array> {
    let Some(value) = args.args.get(at) else { return exec_err!("argument {at} is missing") };
    let array = value.to_array(args.number_rows)?;
    let numbers = as_uint64_array(&array)?;
    if numbers.null_count() > 0 {
        return exec_err!("argument {at} is null in some rows");
    }
    Ok(numbers.clone())
}
